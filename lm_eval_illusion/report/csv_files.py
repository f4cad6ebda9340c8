"""The CSV files of a report: raw numbers, shares from 0 to 1, an empty field where a value is undefined.

A text that a spreadsheet would take for a formula has an apostrophe before it (`escaping.for_csv`).
"""

from __future__ import annotations

from collections.abc import Sequence

from lm_eval_illusion.analysis.records import LeaderboardEntry, Report
from lm_eval_illusion.escaping import for_csv
from lm_eval_illusion.report.calibration_measures import CalibrationRow
from lm_eval_illusion.report.column_formats import WORD, CsvValue
from lm_eval_illusion.report.columns import LEADERBOARD_COLUMNS, Column, Output, R
from lm_eval_illusion.report.comparison_columns import CALIBRATION_COLUMNS


def leaderboard_csv(report: Report) -> str:
    """Return leaderboard.csv: a line for each leaderboard entry. The last field says what its recognition was read from."""
    metric: Column[LeaderboardEntry] = Column(
        "recognition_metric", "recognised by", "the metric of recognition", lambda _: report.recognition_metric, WORD
    )
    return csv_text((*LEADERBOARD_COLUMNS, metric), report.leaderboard)


def calibration_csv(report: Report) -> str:
    """Return calibration_languages.csv: a line for each pair of calibration and evaluation language."""
    rows = [CalibrationRow(table, entry) for table in report.calibration_languages for entry in table.cells]
    return csv_text(CALIBRATION_COLUMNS, rows)


def csv_text(columns: Sequence[Column[R]], rows: Sequence[R]) -> str:
    """Return a header of the columns' CSV fields and a line for each row."""
    csv_columns = [column for column in columns if Output.CSV in column.outputs]
    lines = [[field for column in csv_columns for field in column.csv_fields]]
    lines += [[_field(value) for column in csv_columns for value in column.csv_values(row)] for row in rows]
    return "".join(",".join(line) + "\n" for line in lines)


def _field(value: CsvValue) -> str:
    """Return the field of a value. A text with a semicolon is quoted, too, because many spreadsheets split there."""
    if not isinstance(value, str):
        return "" if value is None else repr(value)
    text = for_csv(value)
    return '"' + text.replace('"', '""') + '"' if set(text) & set('",;') or text != text.strip() else text
