"""Language of calibration (rows) against language of evaluation (columns), as text and for the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lm_eval_illusion.calibration_languages import way_of_pruning
from lm_eval_illusion.report.cells import Table, counted, rated, table, words
from lm_eval_illusion.report.names import language_name
from lm_eval_illusion.report.numbers import change_with_interval, percent, points
from lm_eval_illusion.report.page_tables import identity

CALIBRATION = "Language of calibration against language of evaluation"
CALIBRATION_TABLES = {
    "production": "change of the production accuracy against the dense model, in points",
    "induced": "induced recognition-only errors: share of the known items no longer produced and still recognised, in per cent",
}
UNITS = {"production": "against dense, points", "induced": "recognition-only errors, %"}
_MEASURE: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "production": ("production_change", points),
    "induced": ("induced_rate", percent),
}


def calibration_title(of: dict[str, Any]) -> str:
    """'wanda-0.6 of org/model, mqa_illusion'."""
    return f"{way_of_pruning(of)} of {of['base_model']}, {of['family']}"


def calibration_rows(of: dict[str, Any], name: str) -> list[list[str]]:
    """A row a calibration language: its code, then a cell a language asked. `name`: of CALIBRATION_TABLES."""
    measure, shown = _MEASURE[name]
    values = {(cell["calibration_language"], cell["language"]): cell[measure]["value"] for cell in of["cells"]}
    return [
        [calibrated, *(shown(values.get((calibrated, language))) for language in of["languages"])]
        for calibrated in of["calibration_languages"]
    ]


def calibration_page_table(report: dict[str, Any]) -> Table | None:
    """A row a cell, with its intervals, to sort."""
    columns = [
        *identity(report),
        words("calibrated", "language of the calibration text", lambda cell: language_name(cell["calibration_language"])),
        words("asked", "language of question and answer", lambda cell: language_name(cell["language"])),
        counted("n", "items that both were asked", "n"),
        rated("production", "change against the dense model, points", "production_change", shown=change_with_interval),
        counted("known", "items that the dense model produces", "known"),
        rated("induced", "induced recognition-only errors, % of the known items", "induced_rate"),
    ]
    cells = [{**of, **cell} for of in report["calibration_languages"] for cell in of["cells"]]
    return table(CALIBRATION, columns, cells)
