"""Heat maps over languages: recognition-only errors of each variant, and calibration language against evaluation language."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lm_eval_illusion.analysis.calibration_language import setting_name
from lm_eval_illusion.analysis.records import CalibrationTable, Report, Row
from lm_eval_illusion.report.calibration_measures import CALIBRATION_MEASURES, CalibrationMeasure, CalibrationRow
from lm_eval_illusion.report.figures.series import column_width, grouped, label_width
from lm_eval_illusion.report.figures.svg import Drawing, Point, cut
from lm_eval_illusion.report.format import percent, share_with_interval, span
from lm_eval_illusion.report.names import language_name, language_rows, short_names
from lm_eval_illusion.report.validity import with_mark

STEP = 27
"""Height of a row; the width of a column is between NARROWEST and WIDEST."""
NARROWEST = 30
WIDEST = 64
DARK = 0.78
"""A tile of at least this strength has the text colour for the full colour; others have the text colour for a faint one."""
SMALLEST_SCALE = 0.1
"""The full colour stands for at least this rate: a largest rate of 2 % must not look like one of 60 %."""


@dataclass(frozen=True)
class HeatTile:
    """A tile: its text, the strength of its colour from 0 to 1, the text on hover, and the role that selects the colour."""

    text: str
    strength: float
    tip: str
    role: str = "illusion"


def draw_languages(report: Report, width: float) -> Drawing | None:
    """Draw the recognition-only rate of each variant (row) and language (column), a map for each base model and family."""
    rows = [row for row in language_rows(report) if row.recognition_only_rate.value is not None]
    if not rows:
        return None
    drawn = {(row.base_model, row.family, row.variant) for row in rows}
    groups = grouped(report, lambda row: (row.base_model, row.family, row.variant) in drawn)
    largest = max(row.recognition_only_rate.value or 0.0 for row in rows)
    drawing = Drawing(
        "Recognition-only errors by language",
        f"% of all items: recognised and not produced; n = {span([row.n for row in rows])} items per language",
        f"A row a variant, a column a language; the darker, the more. The largest is {percent(largest)} %.",
        width,
    )
    rows_of_group: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        rows_of_group[row.base_model, row.family].append(row)
    names = label_width(groups, width)
    for group in groups:
        drawing.text((0, drawing.y + 4), cut(group.heading, width), "heading", tip=group.heading)
        drawing.y += 14
        group_rows = rows_of_group[group.rows[0].base_model, group.rows[0].family]
        tiles = {(row.variant, row.language): _language_tile(row, max(largest, SMALLEST_SCALE)) for row in group_rows}
        languages = sorted({row.language for row in group_rows})
        _draw_map(drawing, [row.variant for row in group.rows], languages, tiles, names)
    return drawing


def draw_calibration_languages(report: Report, width: float) -> Drawing | None:
    """Draw two maps for each calibration table: calibration languages in rows, evaluation languages in columns.

    A measure has the same colour scale in all tables.
    """
    tables = report.calibration_languages
    if not tables:
        return None
    drawing = Drawing(
        "Language of calibration against language of evaluation",
        f"rows: calibrated in, columns: evaluated in; n = {span([entry.n for table in tables for entry in table.cells])} items per square",
        "The darker, the more production was lost, or the more recognition-only errors were induced.",
        width,
    )
    names = short_names(report)
    labels = {code: language_name(code) for table in tables for code in table.calibration_languages}
    row_names = column_width(list(labels.values()), width)
    largest = {measure.role: _largest(tables, measure) for measure in CALIBRATION_MEASURES}
    for table in tables:
        heading = with_mark(f"{setting_name(table)} of {names[table.base_model]}, {table.family}", table.cells)
        drawing.text((0, drawing.y + 4), cut(heading, width), "heading", tip=heading)
        drawing.y += 18
        for measure in CALIBRATION_MEASURES:
            drawing.text((0, drawing.y + 4), cut(measure.map_heading, width), "label", tip=measure.map_heading)
            drawing.y += 14
            tiles = _calibration_tiles(table, measure, largest[measure.role])
            rows = [labels[code] for code in table.calibration_languages]
            _draw_map(drawing, rows, table.languages, tiles, row_names)
    return drawing


def _draw_map(
    drawing: Drawing,
    rows: Sequence[str],
    languages: Sequence[str],
    tiles: Mapping[tuple[str, str], HeatTile],
    names: float,
) -> None:
    """Draw `tiles`, by row and language, right of a column of row names that is `names` pixels wide.

    Languages that do not fit beside each other continue in further maps below, of similar width.
    """
    fit = int((drawing.width - names) // NARROWEST)
    maps = -(-len(languages) // fit)
    # 18 languages where 16 fit become 9 and 9, not 16 and 2.
    columns = -(-len(languages) // maps)
    step = min((drawing.width - names) / columns, WIDEST)
    for start in range(0, len(languages), columns):
        map_languages = languages[start : start + columns]
        for index, language in enumerate(map_languages):
            at = (names + (index + 0.5) * step, drawing.y + 8)
            drawing.text(at, cut(language, step), "quiet", "middle", tip=language_name(language))
        drawing.y += 14
        for row in rows:
            drawing.text((0, drawing.y + 17), cut(row, names - 8), "label", tip=row)
            for index, language in enumerate(map_languages):
                _draw_tile(drawing, (names + index * step, drawing.y), step, tiles.get((row, language)))
            drawing.y += STEP
        drawing.y += 16


def _draw_tile(drawing: Drawing, at: Point, step: float, tile: HeatTile | None) -> None:
    """Draw a tile; None, a language that was not evaluated, is a dash."""
    if tile is None:
        drawing.text((at[0] + step / 2, at[1] + 17), "–", "quiet", "middle", tip="not evaluated")
        return
    drawing.rect(at, (step - 2, STEP - 2), tile.role, tile.tip, opacity=round(0.06 + 0.94 * tile.strength, 2))
    role = f"on-{tile.role}" if tile.strength > DARK else "on-faint"
    drawing.text((at[0] + step / 2 - 1, at[1] + 17), tile.text, role, "middle", tile.tip)


def _language_tile(row: Row, largest: float) -> HeatTile:
    rate = row.recognition_only_rate
    tip = f"{row.variant}, {language_name(row.language)}: {share_with_interval(rate)} %, n = {row.n}"
    return HeatTile(percent(rate.value, 0), (rate.value or 0.0) / largest, tip)


def _calibration_tiles(table: CalibrationTable, measure: CalibrationMeasure, largest: float) -> dict[tuple[str, str], HeatTile]:
    """Return the tiles by name of the calibration language and code of the evaluation language."""
    tiles = {}
    for entry in table.cells:
        rate = measure.column.read(CalibrationRow(table, entry))
        calibrated, evaluated = language_name(entry.calibration_language), language_name(entry.language)
        tiles[calibrated, entry.language] = HeatTile(
            text=measure.map_text(rate.value),
            strength=0.0 if rate.value is None else measure.strength(rate.value) / largest,
            tip=f"{entry.variant}, calibrated in {calibrated}, evaluated in {evaluated}, n = {entry.n}: {measure.column.format.text(rate)}",
            role=measure.role,
        )
    return tiles


def _largest(tables: Sequence[CalibrationTable], measure: CalibrationMeasure) -> float:
    """Return the value of the full colour: the largest strength in any table, at least SMALLEST_SCALE."""
    values = [measure.column.read(CalibrationRow(table, entry)).value for table in tables for entry in table.cells]
    return max([SMALLEST_SCALE, *(measure.strength(value) for value in values if value is not None)])
