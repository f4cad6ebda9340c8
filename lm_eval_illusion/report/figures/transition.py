"""The figure of the known items: retained, induced recognition-only errors, or lost, as stacked bars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lm_eval_illusion.analysis.records import DenseComparison, Report, Row
from lm_eval_illusion.report.figures.series import grouped, label_width
from lm_eval_illusion.report.figures.svg import Drawing, cut, width_of
from lm_eval_illusion.report.format import count, percent, span

BAR = 20
STEP = 28


@dataclass(frozen=True)
class Transition:
    """A part of the bar: `read` returns its number of items, `role` selects its colours."""

    name: str
    role: str
    read: Callable[[DenseComparison], int]


TRANSITIONS = (
    Transition("retained", "retained", lambda comparison: comparison.retained),
    Transition("induced recognition-only", "illusion", lambda comparison: comparison.induced_recognition_only),
    Transition("lost", "lost", lambda comparison: comparison.lost),
)


def draw_transition(report: Report, width: float) -> Drawing | None:
    """Draw a bar for each variant; its whole length is the items that the dense model produced. None where there is no such item."""
    groups = grouped(report, lambda row: bool(row.vs_dense and row.vs_dense.known))
    if not groups:
        return None
    known = [row.vs_dense.known for group in groups for row in group.rows if row.vs_dense]
    drawing = Drawing(
        "What became of the answers that the dense model gave",
        f"% of known items, dense to compressed; n = {span(known)} known items per variant",
        "A bar a variant. "
        + " ".join(
            f"{group.heading}, {row.variant}: {_in_words(row.vs_dense)}."
            for group in groups
            for row in group.rows
            if row.vs_dense
        ),
        width,
    )
    _legend(drawing)
    names = label_width(groups, width)
    for group in groups:
        drawing.text((0, drawing.y + 4), cut(group.heading, width), "heading", tip=group.heading)
        drawing.y += 14
        for row in group.rows:
            if row.vs_dense:
                _bar(drawing, row, row.vs_dense, names)
        drawing.y += 14
    return drawing


def _legend(drawing: Drawing) -> None:
    x = 0.0
    for transition in TRANSITIONS:
        drawing.rect((x, drawing.y - 9), (11, 11), transition.role)
        drawing.text((x + 16, drawing.y), transition.name, "label")
        x += 32 + width_of(transition.name)
    drawing.y += 26


def _bar(drawing: Drawing, row: Row, comparison: DenseComparison, names: float) -> None:
    """Draw the variant's name and, right of the column of names, its bar."""
    middle = drawing.y + BAR / 2 + 4
    drawing.text((0, middle), cut(row.variant, names - 8), "label", tip=row.variant)
    x, length = names, drawing.width - names
    for transition in TRANSITIONS:
        items = transition.read(comparison)
        share = items / comparison.known
        tip = f"{row.variant}: {transition.name} {count(items)} of {count(comparison.known)} ({percent(share)} %)"
        drawing.rect((x, drawing.y), (length * share - 1, BAR), transition.role, tip)
        if length * share > 34:
            drawing.text((x + length * share / 2, middle), percent(share), f"on-{transition.role}", "middle", tip)
        x += length * share
    drawing.y += STEP


def _in_words(comparison: DenseComparison) -> str:
    return ", ".join(f"{part.name} {percent(part.read(comparison) / comparison.known)} %" for part in TRANSITIONS)
