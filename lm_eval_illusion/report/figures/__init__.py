"""The figures of a report as SVG text, drawn by hand.

Not by matplotlib: the page wants figures that follow light and dark, say each number on hover and are drawn anew for a
phone, so every colour, text and mark of a plotting library would have to be taken apart again; and whoever reads runs on a
laptop needs no plotting library. The bytes depend on the report alone. As files the figures have their colours in
attributes; in the page, style.css overrides these by class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lm_eval_illusion.report.figures.heatmaps import draw_calibration_languages, draw_languages
from lm_eval_illusion.report.figures.ranks import draw_gold_rank, draw_recovery_by_rank
from lm_eval_illusion.report.figures.recovery import draw_recovery
from lm_eval_illusion.report.figures.sparsity import draw_recognition_and_production
from lm_eval_illusion.report.figures.svg import Drawing
from lm_eval_illusion.report.figures.transition import draw_transition

WIDE = 760
NARROW = 340

DRAWN: dict[str, Callable[[dict[str, Any], float], Drawing | None]] = {
    "recognition_and_production": draw_recognition_and_production,
    "transition": draw_transition,
    "languages": draw_languages,
    "calibration_languages": draw_calibration_languages,
    "recovery": draw_recovery,
    "gold_rank": draw_gold_rank,
    "recovery_by_rank": draw_recovery_by_rank,
}


def figures(report: dict[str, Any], narrow: bool = False) -> dict[str, str]:
    """Name -> SVG text; `narrow` draws them for a phone. A figure that has no data is left out."""
    texts = {}
    for name, draw in DRAWN.items():
        drawing = draw(report, NARROW if narrow else WIDE)
        if drawing is not None:
            texts[name] = drawing.svg(f"{name}-narrow" if narrow else name)
    return texts
