"""The figure of recovery: a row for each variant, a bar for each strategy."""

from __future__ import annotations

from collections.abc import Sequence

from lm_eval_illusion.analysis.records import RecoveryRate, Report, Row
from lm_eval_illusion.report.figures.series import grouped, label_width
from lm_eval_illusion.report.figures.svg import Drawing, cut
from lm_eval_illusion.report.format import percent, share_with_interval, span
from lm_eval_illusion.report.strategies import STRATEGIES, Strategy

BAR = 14
STEP = 24
NARROWEST = 84
BETWEEN = 14
NUMBER = 30
"""Width of the number behind a bar."""


def draw_recovery(report: Report, width: float) -> Drawing | None:
    """Draw the share of the recognition-only errors that each strategy recovers, with its interval. None if no strategy was tried."""
    groups = grouped(report, lambda row: any(_was_tried(strategy, row) for strategy in STRATEGIES))
    if not groups:
        return None
    rows = [row for group in groups for row in group.rows]
    tried = [strategy for strategy in STRATEGIES if any(_was_tried(strategy, row) for row in rows)]
    errors = [rate.n for row in rows for rate in row.recovery.values() if rate.value is not None]
    drawing = Drawing(
        "Recovery: what the model can still be brought to say",
        f"% of the recognition-only errors that a strategy answers; n = {span(errors)} errors; bars: 95 % intervals",
        "A row a variant. " + " ".join(f"{row.variant}: {_in_words(row, tried)}." for row in rows),
        width,
    )
    names = label_width(groups, width)
    fit = max(int((width - names + BETWEEN) // NARROWEST), 1)
    # Lines of similar length where not all strategies fit into one.
    lines = -(-len(tried) // fit)
    fit = -(-len(tried) // lines)
    for group in groups:
        drawing.text((0, drawing.y + 4), cut(group.heading, width), "heading", tip=group.heading)
        drawing.y += 18
        for start in range(0, len(tried), fit):
            _bars(drawing, group.rows, tried[start : start + fit], names, fit)
    return drawing


def _bars(drawing: Drawing, rows: Sequence[Row], strategies: Sequence[Strategy], names: float, fit: int) -> None:
    """Draw a row of bars for each variant; `fit` strategies share the width right of the column of names."""
    step = (drawing.width - names + BETWEEN) / fit
    length = step - BETWEEN - NUMBER
    for index, strategy in enumerate(strategies):
        drawing.text((names + index * step, drawing.y + 4), strategy.heading, "quiet")
    drawing.y += 12
    for row in rows:
        drawing.text((0, drawing.y + BAR - 2), cut(row.variant, names - 8), "label", tip=row.variant)
        for index, strategy in enumerate(strategies):
            _bar(drawing, row, strategy, names + index * step, length)
        drawing.y += STEP
    drawing.y += 14


def _bar(drawing: Drawing, row: Row, strategy: Strategy, x: float, length: float) -> None:
    y, rate, name = drawing.y, strategy.rate(row), strategy.heading
    if rate is None or rate.value is None:
        drawing.text((x, y + BAR - 2), "–", "quiet", tip=f"{row.variant}: {name} was not tried, or on no error")
        return
    tip = f"{row.variant}, {name}: {share_with_interval(rate)} %"
    if isinstance(rate, RecoveryRate):
        tip += f", {rate.recovered} of {rate.n} errors"
    drawing.rect((x, y), (length, BAR), "track", tip)
    drawing.rect((x, y), (length * rate.value, BAR), "recovered", tip)
    if rate.ci is not None:
        low, high = rate.ci
        drawing.line((x + length * low, y + BAR / 2), (x + length * high, y + BAR / 2), "interval")
    drawing.text((x + length + 4, y + BAR - 2), percent(rate.value, 0), "label", tip=tip)


def _was_tried(strategy: Strategy, row: Row) -> bool:
    """Return whether the strategy ran on at least one error of the row."""
    rate = strategy.rate(row)
    return rate is not None and rate.value is not None


def _in_words(row: Row, strategies: Sequence[Strategy]) -> str:
    rates = [(strategy.heading, strategy.rate(row)) for strategy in strategies]
    return ", ".join(f"{heading} {percent(None if rate is None else rate.value)} %" for heading, rate in rates)
