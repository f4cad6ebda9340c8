"""The report on the terminal: as tables, or in one format to paste into a text or to pipe into a program."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lm_eval_illusion.analysis.records import Report
from lm_eval_illusion.escaping import for_terminal, in_encoding
from lm_eval_illusion.report.columns import FAMILY, VALIDITY, R
from lm_eval_illusion.report.csv_files import leaderboard_csv
from lm_eval_illusion.report.files import report_json_text
from lm_eval_illusion.report.format import UNDEFINED
from lm_eval_illusion.report.headline import headline, headline_parts
from lm_eval_illusion.report.markdown import markdown_leaderboard
from lm_eval_illusion.report.names import language_rows, language_rows_of_variants
from lm_eval_illusion.report.rule_columns import WHERE_THE_RULE_DECIDES, shows_exact
from lm_eval_illusion.report.shown import shown_report, shown_sentence
from lm_eval_illusion.report.tables import (
    TextTable,
    calibration_matrices,
    dense_table,
    failure_table,
    language_table,
    tables_of_judges,
    variant_table,
)

WIDTH_OF_A_FILE = 200
"""Characters per line if the output is not a terminal."""
BORDER = 3
"""Columns of the terminal that a column of a table needs beside its text: two blanks and a line."""
LEGEND = (
    "recognition: the right option has the highest score, or by recognised_by_letter its letter is the answer; production:"
    " the answer without options is right; gap: recognition minus production; recognition-only: recognised, but not produced."
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

    def show(title: str, table: TextTable[R]) -> None:
        for part in _rich_tables(title, table, text, console.width):
            console.print(part)

    for (base_model, variant), rows in language_rows_of_variants(report).items():
        if rows:
            show(f"{variant} of {base_model}, by language (%)", language_table(rows))
    if shows_exact(language_rows(report)):
        console.print(text(WHERE_THE_RULE_DECIDES))
    for table in report.calibration_languages:
        for matrix in calibration_matrices(table):
            # Printed above the table, not as its title: rich breaks a title at the width of a table, and this one may be narrow.
            console.print(text(f"{matrix.title}, by language of calibration (rows) and evaluation (columns)"))
            console.print(_grid(None, matrix.headings, matrix.rows, 1, text))
    # The end of the output stays on the screen, so the summary comes last.
    dense = dense_table(report)
    if dense.rows:
        show("Against the dense model (%)", dense)
    failures = failure_table(report)
    if failures.rows:
        show("How production fails (% of all items)", failures)
    for judge, judged in tables_of_judges(report).items():
        show(f"Rules and judge {judge} (%; kappa from -1 to 1)", judged)
    show(f"Variants, all languages (%), recognition by {report.recognition_metric}", variant_table(report))
    console.print(text(LEGEND))
    if report.rules_version is not None:
        console.print(text(f"Answers judged by version {report.rules_version} of the matching rules."))
    for note in notes:
        console.print(text(f"Note: {shown_sentence(note)}"))
    for part in headline_parts(report):
        console.print(text(part, "bold"))


def _rich_tables(title: str, table: TextTable[R], text: Callable[[str], Text], width: int) -> Iterator[Table]:
    """Yield a table as rich tables without the columns that are undefined in every row, and without the family if all rows have the same.

    A table that is wider than `width` is cut into several, because rich would break names and numbers apart. Each part repeats the names
    of the rows and their marks. Only the first one has the title.
    """
    visible = []
    for index, column in enumerate(table.columns):
        texts = {row[index] for row in table.rows}
        if texts - {UNDEFINED} and not (column is FAMILY and len(texts) < 2):
            visible.append(index)
    widths = {index: _least_width([row[index] for row in table.rows], table.columns[index].heading) for index in visible}
    repeated = [index for index in visible if index < table.names or table.columns[index] is VALIDITY]
    # A long name is broken into lines, so that the numbers beside it have space.
    longest_name = max(width // 4, 12)
    widths |= {index: min(widths[index], longest_name + BORDER) for index in repeated}
    names = sum(index < table.names for index in repeated)
    for number, part in enumerate(_parts(visible, repeated, widths, width)):
        headings = _headings([(table.columns[index].heading, widths[index]) for index in part], width)
        rows = [[row[index] for index in part] for row in table.rows]
        yield _grid(None if number else title, headings, rows, names, text, longest_name)


def _parts(visible: Sequence[int], repeated: Sequence[int], widths: Mapping[int, int], width: int) -> Iterator[list[int]]:
    """Yield the columns of each part of a table. `widths`: of the columns, with their borders; `width`: the most of a part."""
    part = list(repeated)
    for index in visible:
        if index in repeated:
            continue
        if len(part) > len(repeated) and 1 + sum(widths[other] for other in (*part, index)) > width:
            yield part
            part = list(repeated)
        part.append(index)
    yield part


def _least_width(texts: Sequence[str], heading: str) -> int:
    """Return the width that a column needs: its longest text, or the longest word of its heading, with blanks and a border."""
    return BORDER + max(map(cell_len, (*texts, *heading.split(), "")))


def _headings(columns: Sequence[tuple[str, int]], width: int) -> list[str]:
    """Return the headings of columns (heading, least width), broken between words if they do not fit into `width` as they are.

    rich would break the numbers of other columns before it breaks a heading.
    """
    if 1 + sum(max(least, BORDER + cell_len(heading)) for heading, least in columns) <= width:
        return [heading for heading, _ in columns]
    return [
        textwrap.fill(heading, least - BORDER, break_long_words=False, break_on_hyphens=False) for heading, least in columns
    ]


def _grid(
    title: str | None,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    names: int,
    text: Callable[[str], Text],
    longest_name: int | None = None,
) -> Table:
    """Return a rich table; the first `names` columns are names and aligned to the left. `text` makes the text of an entry.

    `longest_name`: a longer name is broken into lines.
    """
    table = Table(title=None if title is None else text(title), title_justify="left")
    for index, heading in enumerate(headings):
        is_name = index < names
        table.add_column(
            Text("\n").join(map(text, heading.split("\n"))),
            justify="left" if is_name else "right",
            overflow="fold",
            max_width=longest_name if is_name else None,
        )
    for row in rows:
        table.add_row(*map(text, row))
    return table
