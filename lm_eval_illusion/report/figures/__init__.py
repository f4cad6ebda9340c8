"""The figures of a report as SVG text.

They are not drawn by matplotlib: figures in the page follow light and dark mode, show each number on hover and have a narrow version
for phones, so every colour, text and mark of a plotting library would have to be changed again; and a report needs no plotting library on
the machine. The bytes depend on the report alone. As files, figures have their colours in attributes; in the page, style.css
overrides them by class.
"""

from __future__ import annotations

from collections.abc import Callable

from lm_eval_illusion.analysis.records import Report
from lm_eval_illusion.report.figures.heatmaps import draw_calibration_languages, draw_languages
from lm_eval_illusion.report.figures.ranks import draw_gold_rank, draw_recovery_by_rank
from lm_eval_illusion.report.figures.recovery import draw_recovery
from lm_eval_illusion.report.figures.sparsity import draw_recognition_and_production
from lm_eval_illusion.report.figures.svg import Drawing
from lm_eval_illusion.report.figures.transition import draw_transition

__all__ = ["FIGURES", "NARROW", "WIDE", "figures"]

WIDE = 760
NARROW = 340
"""Widths of a figure in pixels, on a screen and on a phone."""

FIGURES: dict[str, Callable[[Report, float], Drawing | None]] = {
    "recognition_and_production": draw_recognition_and_production,
    "transition": draw_transition,
    "languages": draw_languages,
    "calibration_languages": draw_calibration_languages,
    "recovery": draw_recovery,
    "gold_rank": draw_gold_rank,
    "recovery_by_rank": draw_recovery_by_rank,
}
"""Name of a figure -> the function that draws it at a width, None where the report has no data for it."""


def figures(report: Report, narrow: bool = False) -> dict[str, str]:
    """Return the SVG text of each figure that has data, by name; `narrow` draws them for a phone."""
    texts = {}
    for name, draw in FIGURES.items():
        drawing = draw(report, NARROW if narrow else WIDE)
        if drawing is not None:
            texts[name] = drawing.svg(f"{name}-narrow" if narrow else name)
    return texts
