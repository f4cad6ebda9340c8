"""The report on the terminal: as tables, or in one format to paste into a text or to pipe into a program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lm_eval_illusion.analysis.records import Report
from lm_eval_illusion.escaping import for_terminal, in_encoding
from lm_eval_illusion.report.columns import FAMILY, R
from lm_eval_illusion.report.csv_files import leaderboard_csv
from lm_eval_illusion.report.files import report_json_text
from lm_eval_illusion.report.format import UNDEFINED
from lm_eval_illusion.report.headline import headline
from lm_eval_illusion.report.markdown import markdown_leaderboard
from lm_eval_illusion.report.names import language_rows_of_variants
from lm_eval_illusion.report.shown import shown_report, shown_sentence
from lm_eval_illusion.report.tables import (
    TextTable,
    calibration_matrices,
    dense_table,
    failure_table,
    language_table,
    variant_table,
)

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
    `headline`: the sentence alone. Characters that the encoding of standard output lacks are replaced.
    """
    if form == "table":
        _print_tables(report, notes)
    elif form == "json":
        print(report_json_text(report, is_ascii=not _has_unicode(_encoding())), end="")
    elif form == "csv":
        print(in_encoding(leaderboard_csv(report), _encoding()), end="")
    else:
        print(in_encoding(headline(report) if form == "headline" else markdown_leaderboard(report), _encoding()))


def _encoding() -> str:
    """Return the encoding of standard output; UTF-8 for a stream without one, which holds any text."""
    return getattr(sys.stdout, "encoding", None) or "utf-8"


def _has_unicode(encoding: str) -> bool:
    return encoding.lower().startswith("utf")


def _print_tables(report: Report, notes: Sequence[str]) -> None:
    console = Console()
    if not console.is_terminal:
        # A pipe has no width; the default of 80 columns would break numbers apart.
        console = Console(width=WIDTH_OF_A_FILE)
    report = shown_report(report)

    def text(string: str, style: str = "") -> Text:
        # Before the layout, because it may change the width. As Text, "[bold]" in a name is not markup.
        return Text(in_encoding(for_terminal(string), console.encoding), style)

    for (base_model, variant), rows in language_rows_of_variants(report).items():
        if rows:
            console.print(_rich_table(f"{variant} of {base_model}, by language (%)", language_table(rows), text))
    for table in report.calibration_languages:
        for matrix in calibration_matrices(table):
            # Printed above the table, not as its title: rich breaks a title at the width of a table, and this one may be narrow.
            console.print(text(f"{matrix.title}, by language of calibration (rows) and evaluation (columns)"))
            console.print(_grid(None, matrix.headings, matrix.rows, 1, text))
    # The end of the output stays on the screen, so the summary comes last.
    dense = dense_table(report)
    if dense.rows:
        console.print(_rich_table("Against the dense model (%)", dense, text))
    failures = failure_table(report)
    if failures.rows:
        console.print(_rich_table("How production fails (% of all items)", failures, text))
    title = f"Variants, all languages (%), recognition by {report.recognition_metric}"
    console.print(_rich_table(title, variant_table(report), text))
    console.print(text(LEGEND))
    for note in notes:
        console.print(text(f"Note: {shown_sentence(note)}"))
    console.print(text(headline(report), "bold"))


def _rich_table(title: str, table: TextTable[R], text: Callable[[str], Text]) -> Table:
    """Return a rich table without the columns that are undefined in every row, and without the family if all rows have the same."""
    visible = []
    for index, column in enumerate(table.columns):
        texts = {row[index] for row in table.rows}
        if texts - {UNDEFINED} and not (column is FAMILY and len(texts) < 2):
            visible.append(index)
    headings = [table.columns[index].heading for index in visible]
    names = sum(index < table.names for index in visible)
    return _grid(title, headings, [[row[index] for index in visible] for row in table.rows], names, text)


def _grid(
    title: str | None, headings: Sequence[str], rows: Sequence[Sequence[str]], names: int, text: Callable[[str], Text]
) -> Table:
    """Return a rich table; the first `names` columns are names and aligned to the left. `text` makes the text of a cell."""
    table = Table(title=None if title is None else text(title), title_justify="left")
    for index, heading in enumerate(headings):
        table.add_column(text(heading), justify="left" if index < names else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(text, row))
    return table
