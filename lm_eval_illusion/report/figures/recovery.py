"""The figure of recovery: a row a variant, a column of bars a strategy."""

from __future__ import annotations

from typing import Any

from lm_eval_illusion.report.figures.series import Row, grouped, label_room
from lm_eval_illusion.report.figures.svg import Drawing, cut
from lm_eval_illusion.report.format import percent, share_with_interval, span
from lm_eval_illusion.results.outcomes import ANSWER_SHOWING_STRATEGIES, RECOVERY_STRATEGIES

STRATEGIES = (
    *(name for name in RECOVERY_STRATEGIES if name not in ANSWER_SHOWING_STRATEGIES),
    "any",
    *(name for name in RECOVERY_STRATEGIES if name in ANSWER_SHOWING_STRATEGIES),
)
CONTROL = "without gold"
"""The control of `candidates`: the same prompt with the three distractors only."""
BAR = 14
STEP = 24
NARROWEST = 84
BETWEEN = 14
NUMBER = 30
"""The room behind a bar for its number."""


def draw_recovery(report: dict[str, Any], width: float) -> Drawing | None:
    """The share of the recognition-only errors that each strategy answers, with its interval."""
    groups = grouped(report, lambda row: any(_rate(row, name)["value"] is not None for name in STRATEGIES))
    if not groups:
        return None
    rows = [row for group in groups for row in group.rows]
    tried = [name for name in (*STRATEGIES, CONTROL) if any(_rate(row, name)["value"] is not None for row in rows)]
    errors = [hits["n"] for row in rows for hits in row["recovery"].values() if hits["value"] is not None]
    drawing = Drawing(
        "Recovery: what the model can still be brought to say",
        f"% of the recognition-only errors that a strategy answers; n = {span(errors)} errors; bars: 95 % intervals",
        "A row a variant. " + " ".join(f"{row['variant']}: {_said(row, tried)}." for row in rows),
        width,
    )
    room = label_room(groups, width)
    fit = max(int((width - room + BETWEEN) // NARROWEST), 1)
    blocks = -(-len(tried) // fit)
    fit = -(-len(tried) // blocks)
    for group in groups:
        drawing.text((0, drawing.y + 4), cut(group.heading, width), "heading", tip=group.heading)
        drawing.y += 18
        for start in range(0, len(tried), fit):
            _block(drawing, group.rows, tried[start : start + fit], room, fit)
    return drawing


def _block(drawing: Drawing, rows: list[Row], strategies: list[str], room: float, fit: int) -> None:
    step = (drawing.width - room + BETWEEN) / fit
    length = step - BETWEEN - NUMBER
    for place, name in enumerate(strategies):
        drawing.text((room + place * step, drawing.y + 4), name, "quiet")
    drawing.y += 12
    for row in rows:
        drawing.text((0, drawing.y + BAR - 2), cut(row["variant"], room - 8), "label", tip=row["variant"])
        for place, name in enumerate(strategies):
            _bar(drawing, row, name, room + place * step, length)
        drawing.y += STEP
    drawing.y += 14


def _bar(drawing: Drawing, row: Row, name: str, x: float, length: float) -> None:
    y, rate = drawing.y, _rate(row, name)
    share = rate["value"]
    if share is None:
        drawing.text((x, y + BAR - 2), "–", "quiet", tip=f"{row['variant']}: {name} was not tried, or on no error")
        return
    tip = f"{row['variant']}, {name}: {share_with_interval(rate)} %"
    if name in row["recovery"]:
        tip += f", {rate['recovered']} of {rate['n']} errors"
    drawing.rect((x, y), (length, BAR), "track", tip)
    drawing.rect((x, y), (length * share, BAR), "recovered", tip)
    if rate["ci"] is not None:
        low, high = rate["ci"]
        drawing.line((x + length * low, y + BAR / 2), (x + length * high, y + BAR / 2), "interval")
    drawing.text((x + length + 4, y + BAR - 2), percent(share, 0), "label", tip=tip)


def _rate(row: Row, name: str) -> dict[str, Any]:
    rate: dict[str, Any] = row["candidates_without_gold"] if name == CONTROL else row["recovery"].get(name, {"value": None})
    return rate


def _said(row: Row, strategies: list[str]) -> str:
    return ", ".join(f"{name} {percent(_rate(row, name)['value'])} %" for name in strategies)
