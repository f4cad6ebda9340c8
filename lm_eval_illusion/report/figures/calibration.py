"""The heat maps of calibration language (rows) against evaluation language (columns): production lost, errors induced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lm_eval_illusion.calibration_languages import way_of_pruning
from lm_eval_illusion.report.figures.drawing import Drawing
from lm_eval_illusion.report.figures.groups import name_room
from lm_eval_illusion.report.figures.heat import HeatCell, draw_heat
from lm_eval_illusion.report.figures.languages import FAINTEST_SCALE
from lm_eval_illusion.report.figures.lettering import cut
from lm_eval_illusion.report.names import language_name, short_names
from lm_eval_illusion.report.numbers import change_with_interval, percent, points, share_with_interval, span

Table = dict[str, Any]


@dataclass(frozen=True)
class Measure:
    """`key`: of a cell. `strength`: what the colour shows of a value. `text` and `with_interval`: how a value is written."""

    key: str
    heading: str
    role: str
    strength: Callable[[float], float]
    text: Callable[[float | None, int], str]
    with_interval: Callable[[dict[str, Any]], str]


MEASURES = (
    # Of production the colour shows what was lost: a gain is as faint as no change.
    Measure(
        "production_change",
        "production against the dense model, points",
        "retained",
        lambda change: max(0.0, -change),
        points,
        change_with_interval,
    ),
    Measure(
        "induced_rate",
        "induced recognition-only errors, % of known",
        "illusion",
        lambda rate: rate,
        percent,
        share_with_interval,
    ),
)


def draw_calibration_languages(report: dict[str, Any], width: float) -> Drawing | None:
    """Two maps a base model, family and way of pruning; colours are of one scale over all of them."""
    tables: list[Table] = report["calibration_languages"]
    if not tables:
        return None
    drawing = Drawing(
        "Language of calibration against language of evaluation",
        f"rows: calibrated in, columns: asked in; n = {span([cell['n'] for table in tables for cell in table['cells']])} items a cell",
        "The darker, the more production was lost, or the more recognition-only errors were induced.",
        width,
    )
    names = short_names(report)
    labels = {code: language_name(code) for table in tables for code in table["calibration_languages"]}
    for table in tables:
        heading = f"{way_of_pruning(table)} of {names[table['base_model']]}, {table['family']}"
        drawing.text((0, drawing.y + 4), cut(heading, width), "heading", tip=heading)
        drawing.y += 18
        for measure in MEASURES:
            drawing.text((0, drawing.y + 4), cut(measure.heading, width), "label", tip=measure.heading)
            drawing.y += 14
            cells = _cells(table, measure, _largest(tables, measure))
            rows = [labels[code] for code in table["calibration_languages"]]
            draw_heat(drawing, rows, table["languages"], cells, name_room(list(labels.values()), width))
    return drawing


def _cells(table: Table, measure: Measure, largest: float) -> dict[tuple[str, str], HeatCell]:
    cells = {}
    for cell in table["cells"]:
        value = cell[measure.key]["value"]
        strength = 0.0 if value is None else measure.strength(value) / largest
        tip = f"{_said(cell)}: {measure.with_interval(cell[measure.key])}"
        cells[language_name(cell["calibration_language"]), cell["language"]] = HeatCell(
            measure.text(value, 0), strength, tip, measure.role
        )
    return cells


def _said(cell: dict[str, Any]) -> str:
    calibrated, asked = language_name(cell["calibration_language"]), language_name(cell["language"])
    return f"{cell['variant']}, calibrated in {calibrated}, asked in {asked}, n = {cell['n']}"


def _largest(tables: list[Table], measure: Measure) -> float:
    values = [cell[measure.key]["value"] for table in tables for cell in table["cells"]]
    return max([FAINTEST_SCALE, *(measure.strength(value) for value in values if value is not None)])
