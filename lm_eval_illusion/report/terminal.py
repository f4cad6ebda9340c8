"""The report on the terminal: as tables, or in one format to paste into a text or to pipe into a program."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lm_eval_illusion.analysis.records import Report, report_json
from lm_eval_illusion.report.columns import FAMILY, R
from lm_eval_illusion.report.csv_files import leaderboard_csv
from lm_eval_illusion.report.format import UNDEFINED
from lm_eval_illusion.report.headline import headline
from lm_eval_illusion.report.markdown import markdown_leaderboard
from lm_eval_illusion.report.names import variants_of
from lm_eval_illusion.report.tables import TextTable, calibration_matrices, dense_table, language_table, variant_table

WIDTH_OF_A_FILE = 200
"""Characters per line if the output is not a terminal."""
LEGEND = (
    "recognition: the right option has the highest score; production: the answer without options is right; gap: recognition minus"
    " production; recognition-only: recognised, but not produced."
)
FORMATS = ("table", "markdown", "csv", "json", "headline")


def print_report(report: Report, notes: Sequence[str], form: str = "table") -> None:
    """Print the report in one of FORMATS.

    `table`: tables by language and by variant, the notes, the headline. `markdown` and `csv`: the leaderboard. `json`: report.json.
    `headline`: the sentence alone.
    """
    if form == "table":
        _print_tables(report, notes)
    elif form == "headline":
        print(headline(report))
    elif form == "markdown":
        print(markdown_leaderboard(report))
    elif form == "csv":
        print(leaderboard_csv(report), end="")
    else:
        json.dump(report_json(report), sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
        print()


def _print_tables(report: Report, notes: Sequence[str]) -> None:
    console = Console()
    if not console.is_terminal:
        # A pipe has no width; the default of 80 columns would break numbers apart.
        console = Console(width=WIDTH_OF_A_FILE)
    for base_model, variant in variants_of(report):
        languages = language_table(report, base_model, variant)
        if languages.rows:
            console.print(_rich_table(f"{variant} of {base_model}, by language (%)", languages))
    for table in report.calibration_languages:
        for matrix in calibration_matrices(table):
            # Printed above the table, not as its title: rich breaks a title at the width of a table, and this one may be narrow.
            console.print(Text(f"{matrix.title}, by language of calibration (rows) and evaluation (columns)"))
            console.print(_grid(None, matrix.headings, matrix.rows, names=1))
    # The end of the output stays on the screen, so the summary comes last.
    dense = dense_table(report)
    if dense.rows:
        console.print(_rich_table("Against the dense model (%)", dense))
    title = f"Variants, all languages (%), recognition by {report.recognition_metric}"
    console.print(_rich_table(title, variant_table(report)))
    console.print(Text(LEGEND))
    for note in notes:
        console.print(Text(f"Note: {note}"))
    console.print(Text(headline(report), style="bold"))


def _rich_table(title: str, table: TextTable[R]) -> Table:
    """Return a rich table without the columns that are undefined in every row, and without the family if all rows have the same."""
    visible = []
    for index, column in enumerate(table.columns):
        texts = {row[index] for row in table.rows}
        if texts - {UNDEFINED} and not (column is FAMILY and len(texts) < 2):
            visible.append(index)
    headings = [table.columns[index].heading for index in visible]
    names = sum(index < table.names for index in visible)
    return _grid(title, headings, [[row[index] for index in visible] for row in table.rows], names)


def _grid(title: str | None, headings: Sequence[str], rows: Sequence[Sequence[str]], names: int) -> Table:
    """Return a rich table; the first `names` columns are names and aligned to the left."""
    # Names come from files: as Text, "[bold]" in a name is not markup.
    table = Table(title=None if title is None else Text(title), title_justify="left")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index < names else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table
