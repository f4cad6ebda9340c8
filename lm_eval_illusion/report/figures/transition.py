"""The figure of what became of the known items: retained, induced recognition-only or lost."""

from __future__ import annotations

from typing import Any

from lm_eval_illusion.report.figures.series import Row, grouped, label_room
from lm_eval_illusion.report.figures.svg import Drawing, cut, width_of
from lm_eval_illusion.report.format import count, percent, span

BAR = 20
STEP = 28
FATES = (
    ("retained", "retained", "retained"),
    ("induced_recognition_only", "illusion", "induced recognition-only"),
    ("lost", "lost", "lost"),
)
"""Key in vs_dense, role of its bar, what it is called."""


def draw_transition(report: dict[str, Any], width: float) -> Drawing | None:
    """A stacked bar a variant, 100 % = the items that the dense model produced."""
    groups = grouped(report, lambda row: bool(row["vs_dense"] and row["vs_dense"]["known"]))
    if not groups:
        return None
    known = [row["vs_dense"]["known"] for group in groups for row in group.rows]
    drawing = Drawing(
        "What became of the answers that the dense model gave",
        f"% of known items, dense to pruned; n = {span(known)} known items a variant",
        "A bar a variant. "
        + " ".join(f"{group.heading}, {row['variant']}: {_said(row)}." for group in groups for row in group.rows),
        width,
    )
    _legend(drawing)
    room = label_room(groups, width)
    for group in groups:
        drawing.text((0, drawing.y + 4), cut(group.heading, width), "heading", tip=group.heading)
        drawing.y += 14
        for row in group.rows:
            _bar(drawing, row, room)
        drawing.y += 14
    return drawing


def _legend(drawing: Drawing) -> None:
    x = 0.0
    for _, role, name in FATES:
        drawing.rect((x, drawing.y - 9), (11, 11), role)
        drawing.text((x + 16, drawing.y), name, "label")
        x += 32 + width_of(name)
    drawing.y += 26


def _bar(drawing: Drawing, row: Row, room: float) -> None:
    middle = drawing.y + BAR / 2 + 4
    drawing.text((0, middle), cut(row["variant"], room - 8), "label", tip=row["variant"])
    x, whole = room, drawing.width - room
    for key, role, name in FATES:
        share = row["vs_dense"][key] / row["vs_dense"]["known"]
        tip = (
            f"{row['variant']}: {name} {count(row['vs_dense'][key])} of {count(row['vs_dense']['known'])} ({percent(share)} %)"
        )
        drawing.rect((x, drawing.y), (whole * share - 1, BAR), role, tip)
        if whole * share > 34:
            drawing.text((x + whole * share / 2, middle), percent(share), f"on-{role}", "middle", tip)
        x += whole * share
    drawing.y += STEP


def _said(row: Row) -> str:
    known = row["vs_dense"]["known"]
    return ", ".join(f"{name} {percent(row['vs_dense'][key] / known)} %" for key, _, name in FATES)
