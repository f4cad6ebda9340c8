"""The heat maps of calibration language (rows) against evaluation language (columns): production lost, errors induced.

A heat map: a row a name, a column a language, the darker, the more.

The heat map of recognition-only errors: a row a variant, a column a language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lm_eval_illusion.analysis.calibration_language import way_of_pruning
from lm_eval_illusion.report.figures.series import Row, grouped, label_room, name_room
from lm_eval_illusion.report.figures.svg import Drawing, Point, cut
from lm_eval_illusion.report.format import change_with_interval, percent, points, share_with_interval, span
from lm_eval_illusion.report.names import language_name, short_names
from lm_eval_illusion.results.outcomes import POOLED

STEP = 27
NARROWEST = 30
WIDEST = 64
DARK = 0.78
"""From here on a cell's text is in the colour that is read on the full one."""


@dataclass(frozen=True)
class HeatCell:
    """`strength`: from 0 to 1, of the colour of `role`."""

    text: str
    strength: float
    tip: str
    role: str = "illusion"


def draw_heat(
    drawing: Drawing,
    rows: Sequence[str],
    languages: Sequence[str],
    cells: Mapping[tuple[str, str], HeatCell],
    room: float,
) -> None:
    """Columns wrap into a second block where there are more languages than fit. `cells`: by row and language; `room`: for the names."""
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
        for row in rows:
            drawing.text((0, drawing.y + 17), cut(row, room - 8), "label", tip=row)
            for place, language in enumerate(block):
                _cell(drawing, (room + place * step, drawing.y), step, cells.get((row, language)))
            drawing.y += STEP
        drawing.y += 16


def _cell(drawing: Drawing, at: Point, step: float, cell: HeatCell | None) -> None:
    """A language that was not asked stays an empty frame."""
    if cell is None:
        drawing.text((at[0] + step / 2, at[1] + 17), "–", "quiet", "middle", tip="not asked")
        return
    drawing.rect(at, (step - 2, STEP - 2), cell.role, cell.tip, opacity=round(0.06 + 0.94 * cell.strength, 2))
    role = f"on-{cell.role}" if cell.strength > DARK else "on-faint"
    drawing.text((at[0] + step / 2 - 1, at[1] + 17), cell.text, role, "middle", cell.tip)


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
        cells = {(row["variant"], row["language"]): _language_cell(row, max(largest, FAINTEST_SCALE)) for row in mine}
        languages = sorted({row["language"] for row in mine})
        draw_heat(drawing, [row["variant"] for row in group.rows], languages, cells, label_room(groups, width))
    return drawing


def _language_cell(row: Row, largest: float) -> HeatCell:
    rate = row["recognition_only_rate"]
    tip = f"{row['variant']}, {language_name(row['language'])}: {share_with_interval(rate)} %, n = {row['n']}"
    return HeatCell(percent(rate["value"], 0), rate["value"] / largest, tip)


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
