"""The heat map of recognition-only errors: a row a variant, a column a language."""

from __future__ import annotations

from typing import Any

from lm_eval_illusion.outcomes import POOLED
from lm_eval_illusion.report.figures.drawing import Drawing
from lm_eval_illusion.report.figures.groups import Row, grouped, label_room
from lm_eval_illusion.report.figures.heat import HeatCell, draw_heat
from lm_eval_illusion.report.figures.lettering import cut
from lm_eval_illusion.report.names import language_name
from lm_eval_illusion.report.numbers import percent, share_with_interval, span

FAINTEST_SCALE = 0.1
"""The full colour is at least this rate: a largest rate of 2 % is not to look like one of 60 %."""


def draw_languages(report: dict[str, Any], width: float) -> Drawing | None:
    """A map a base model and family."""
    rows = [row for row in report["rows"] if row["language"] != POOLED and row["recognition_only_rate"]["value"] is not None]
    if not rows:
        return None
    have = {(row["base_model"], row["family"], row["variant"]) for row in rows}
    groups = grouped(report, lambda row: (row["base_model"], row["family"], row["variant"]) in have)
    largest = max(row["recognition_only_rate"]["value"] for row in rows)
    drawing = Drawing(
        "Recognition-only errors by language",
        f"% of all items: recognised and not produced; n = {span([row['n'] for row in rows])} items a language",
        f"A row a variant, a column a language; the darker, the more. The largest is {percent(largest)} %.",
        width,
    )
    for group in groups:
        drawing.text((0, drawing.y + 4), cut(group.heading, width), "heading", tip=group.heading)
        drawing.y += 14
        first = group.rows[0]
        mine = [row for row in rows if (row["base_model"], row["family"]) == (first["base_model"], first["family"])]
        cells = {(row["variant"], row["language"]): _cell(row, max(largest, FAINTEST_SCALE)) for row in mine}
        languages = sorted({row["language"] for row in mine})
        draw_heat(drawing, [row["variant"] for row in group.rows], languages, cells, label_room(groups, width))
    return drawing


def _cell(row: Row, largest: float) -> HeatCell:
    rate = row["recognition_only_rate"]
    tip = f"{row['variant']}, {language_name(row['language'])}: {share_with_interval(rate)} %, n = {row['n']}"
    return HeatCell(percent(rate["value"], 0), rate["value"] / largest, tip)
