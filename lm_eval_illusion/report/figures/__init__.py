"""The figures of a report as SVG text.

They are not drawn by matplotlib: figures in the page follow light and dark mode, show each number on hover and have a narrow version
for phones, so every colour, text and mark of a plotting library would have to be changed again; and a report needs no plotting library on
the machine. The bytes depend on the report alone. As files, figures have their colours in attributes; in the page, style.css
overrides them by class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from lm_eval_illusion.analysis.records import Report
from lm_eval_illusion.report.failure_columns import SHOWN_MODES
from lm_eval_illusion.report.figures.divergence import draw_induced_by_divergence
from lm_eval_illusion.report.figures.failures import draw_failures
from lm_eval_illusion.report.figures.heatmaps import draw_calibration_languages, draw_languages
from lm_eval_illusion.report.figures.ranks import draw_gold_rank, draw_recovery_by_rank
from lm_eval_illusion.report.figures.recovery import draw_recovery
from lm_eval_illusion.report.figures.sparsity import draw_recognition_and_production
from lm_eval_illusion.report.figures.svg import Drawing
from lm_eval_illusion.report.figures.transition import draw_transition
from lm_eval_illusion.report.shown import shown_report
from lm_eval_illusion.report.strategies import STRATEGIES
from lm_eval_illusion.report.tables import PageTable, page_calibration, page_divergence, page_errors, page_failures

__all__ = ["FIGURES", "NARROW", "WIDE", "Figure", "Section", "figures"]

WIDE = 760
NARROW = 340
"""Widths of a figure in pixels, on a screen and on a phone."""


@dataclass(frozen=True)
class Section:
    """A section of the page: one or more figures, beside them a heading and an explanation, below them a table.

    `name`: the id on the page. `link`: the text of its link in the navigation. `explanation`: a paragraph. `terms`: words to explain, each
    with its meaning, as a list. `table`: returns the table below the figures, None if there is no data; it is folded in behind
    `table_summary` where that is not empty.
    """

    name: str
    link: str
    heading: str
    explanation: Markup | None = None
    terms: tuple[tuple[str, str], ...] = ()
    table: Callable[[Report], PageTable | None] | None = None
    table_summary: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure: a file in the folder `figures` of a report, and a part of the page.

    `draw`: draws it at a width in pixels; it returns None where the report has no data for it. `section`: the section of the page, which
    figures may share; None: at the top of the page.
    """

    name: str
    draw: Callable[[Report, float], Drawing | None]
    section: Section | None


RANKS = Section(
    name="ranks",
    link="Erased or demoted",
    heading="Erased, or only demoted",
    explanation=Markup(
        "The <b>gold rank</b> is the rank of the answer's first token after the open prompt; 1 is the greedy choice, and tokens of"
        " equal score share the mean of their ranks, so that 1.5 counts among the ranks after 1. A recognition-only"
        " error is <b>demoted</b> if a strategy recovers it or if its gold rank is at most 10, otherwise <b>erased</b>."
    ),
    table=page_errors,
)

FIGURES: tuple[Figure, ...] = (
    Figure("recognition_and_production", draw_recognition_and_production, None),
    Figure(
        "transition",
        draw_transition,
        Section(
            name="transition",
            link="Known items",
            heading="Known items, before and after",
            explanation=Markup(
                "A <b>known</b> item is one that the dense model produces. After compression it is <b>retained</b> if it is still"
                " produced, an <b>induced recognition-only error</b> if it is only recognised, and <b>lost</b> if it is neither."
            ),
        ),
    ),
    Figure(
        "languages",
        draw_languages,
        Section(
            name="languages",
            link="Languages",
            heading="Language by language",
            explanation=Markup(
                "The <b>recognition-only rate</b>: the share of all items that are recognised but not produced. Point at a cell to see its"
                " interval."
            ),
        ),
    ),
    Figure(
        "calibration_languages",
        draw_calibration_languages,
        Section(
            name="calibration",
            link="Calibration",
            heading="Calibrated in one language, evaluated in another",
            explanation=Markup(
                "Variants that differ only in the <b>language of the calibration text</b> (rows), evaluated in each language (columns). The"
                " upper map shows the change of production against the dense model, the lower one the <b>induced recognition-only"
                " errors</b> among the known items."
            ),
            table=page_calibration,
            table_summary="With intervals",
        ),
    ),
    Figure(
        "recovery",
        draw_recovery,
        Section(
            name="recovery",
            link="Recovery",
            heading="Which strategies recover the answer",
            terms=tuple((strategy.heading, strategy.sentences) for strategy in STRATEGIES),
        ),
    ),
    Figure(
        "failure_modes",
        draw_failures,
        Section(
            name="failures",
            link="Failure modes",
            heading="How production fails",
            explanation=Markup(
                "Each answer that is not produced has one <b>failure mode</b>: the first of these rules that holds. The figure shows all"
                " languages together."
            ),
            terms=tuple((shown.heading, f"The answer: {shown.meaning}.") for shown in SHOWN_MODES),
            table=page_failures,
            table_summary="With intervals, by language",
        ),
    ),
    Figure("gold_rank", draw_gold_rank, RANKS),
    Figure("recovery_by_rank", draw_recovery_by_rank, RANKS),
    Figure(
        "induced_by_divergence",
        draw_induced_by_divergence,
        Section(
            name="divergence",
            link="Next token",
            heading="Change of the next token, and induced errors",
            explanation=Markup(
                "The <b>KL divergence</b> of the next token at the end of the open prompt, dense to compressed, in nats: 0 where nothing"
                " changed. It is computed from the 64 likeliest tokens of each model and is at least what is stated. If it explained the"
                " illusion, the <b>induced recognition-only errors</b> would be in the third of the known items with the largest"
                " divergence."
            ),
            table=page_divergence,
        ),
    ),
)
"""In the order of the page. To add a figure, add its `Figure`: the files and the page, with its navigation, are made from this tuple."""


def figures(report: Report, narrow: bool = False) -> dict[str, str]:
    """Return the SVG text of each figure that has data, by name; `narrow` draws them for a phone."""
    report = shown_report(report)
    texts = {}
    for figure in FIGURES:
        drawing = figure.draw(report, NARROW if narrow else WIDE)
        if drawing is not None:
            texts[figure.name] = drawing.svg(f"{figure.name}-narrow" if narrow else figure.name)
    return texts
