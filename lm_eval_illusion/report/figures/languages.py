"""The heat map of recognition-only errors: a row a variant, a column a language."""

from __future__ import annotations

from typing import Any

from lm_eval_illusion.outcomes import POOLED
from lm_eval_illusion.report.figures.drawing import Drawing
from lm_eval_illusion.report.figures.groups import Group, Row, grouped, label_room
from lm_eval_illusion.report.figures.lettering import cut
from lm_eval_illusion.report.names import language_name
from lm_eval_illusion.report.numbers import percent, share_with_interval, span

STEP = 27
NARROWEST = 30
WIDEST = 64
FAINTEST_SCALE = 0.1
"""The full colour is at least this rate: a largest rate of 2 % is not to look like one of 60 %."""

Cells = dict[tuple[str, str, str, str], Row]


def draw_languages(report: dict[str, Any], width: float) -> Drawing | None:
    """Columns wrap into a second block where there are more languages than fit."""
    rows = [row for row in report["rows"] if row["language"] != POOLED and row["recognition_only_rate"]["value"] is not None]
    if not rows:
        return None
    cells: Cells = {(row["base_model"], row["family"], row["variant"], row["language"]): row for row in rows}
    have = {key[:3] for key in cells}
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
        _map(drawing, group, cells, label_room(groups, width), max(largest, FAINTEST_SCALE))
    return drawing


def _map(drawing: Drawing, group: Group, cells: Cells, room: float, largest: float) -> None:
    first = group.rows[0]
    languages = sorted({key[3] for key in cells if key[:2] == (first["base_model"], first["family"])})
    fit = int((drawing.width - room) // NARROWEST)
    blocks = -(-len(languages) // fit)
    # Blocks of like length: 18 languages where 16 fit make 9 and 9, not 16 and 2.
    columns = -(-len(languages) // blocks)
    step = min((drawing.width - room) / columns, WIDEST)
    for start in range(0, len(languages), columns):
        block = languages[start : start + columns]
        for place, language in enumerate(block):
            at = (room + (place + 0.5) * step, drawing.y + 8)
            drawing.text(at, cut(language, step), "quiet", "middle", tip=language_name(language))
        drawing.y += 14
        for row in group.rows:
            drawing.text((0, drawing.y + 17), cut(row["variant"], room - 8), "label", tip=row["variant"])
            for place, language in enumerate(block):
                cell = cells.get((row["base_model"], row["family"], row["variant"], language))
                _cell(drawing, (room + place * step, drawing.y), step, cell, largest)
            drawing.y += STEP
        drawing.y += 16


def _cell(drawing: Drawing, at: tuple[float, float], step: float, row: Row | None, largest: float) -> None:
    """A language that this variant was not asked in stays an empty frame."""
    if row is None:
        drawing.text((at[0] + step / 2, at[1] + 17), "–", "quiet", "middle", tip="not asked")
        return
    rate = row["recognition_only_rate"]
    strength = rate["value"] / largest
    tip = f"{row['variant']}, {language_name(row['language'])}: {share_with_interval(rate)} %, n = {row['n']}"
    drawing.rect(at, (step - 2, STEP - 2), "illusion", tip, opacity=round(0.06 + 0.94 * strength, 2))
    role = "on-illusion" if strength > 0.78 else "on-faint"
    drawing.text((at[0] + step / 2 - 1, at[1] + 17), percent(rate["value"], 0), role, "middle", tip)
