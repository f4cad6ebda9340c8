"""The report on the terminal: tables, or one format to paste or to pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lm_eval_illusion.analysis.leaderboard import leaderboard_csv
from lm_eval_illusion.report.columns import COLUMNS, VERSUS_COLUMNS, language_rows, variant_rows, variants_of, versus_rows
from lm_eval_illusion.report.format import UNDEFINED
from lm_eval_illusion.report.headline import headline
from lm_eval_illusion.report.markdown import leaderboard_table
from lm_eval_illusion.report.tables import (
    CALIBRATION_TABLES,
    UNITS,
    calibration_rows,
    calibration_title,
)

WIDTH_OF_A_FILE = 200
FORMATS = ("table", "markdown", "csv", "json")


def print_report(report: dict[str, Any], notes: Sequence[str], form: str = "table") -> None:
    """`table`: tables of languages and of variants, the notes, the headline. `markdown` and `csv`: the leaderboard. `json`: report.json."""
    if form == "table":
        _print_tables(report, notes)
    elif form == "headline":
        print(headline(report))
    elif form == "markdown":
        print(leaderboard_table(report))
    elif form == "csv":
        print(leaderboard_csv(report["leaderboard"]), end="")
    else:
        json.dump(report, sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
        print()


def _print_tables(report: dict[str, Any], notes: Sequence[str]) -> None:
    console = Console()
    if not console.is_terminal:
        # A pipe has no width; 80 columns would break the numbers apart.
        console = Console(width=WIDTH_OF_A_FILE)
    for base_model, variant in variants_of(report):
        rows = language_rows(report, base_model, variant)
        if rows:
            console.print(_table(f"{variant} of {base_model}, by language (%)", "language", COLUMNS, rows))
    for table in report["calibration_languages"]:
        for name in CALIBRATION_TABLES:
            # Above the table, not as its title: rich breaks a title at the width of a table, and this one may be narrow.
            console.print(Text(f"{calibration_title(table)}: {name} {UNITS[name]}, by calibration (rows) and asked language"))
            console.print(_grid(None, ["calibration", *table["languages"]], calibration_rows(table, name)))
    # Last, because the end of the output is what stands on the screen.
    versus = versus_rows(report)
    if versus:
        console.print(_table("Against the dense model (%)", "variant", VERSUS_COLUMNS, versus))
    title = f"Variants, all languages (%), recognition by {report['recognition_metric']}"
    console.print(_table(title, "variant", COLUMNS, variant_rows(report)))
    for note in notes:
        console.print(Text(f"Note: {note}"))
    console.print(Text(headline(report), style="bold"))


def _table(title: str, first: str, columns: Mapping[str, str], rows: Sequence[Sequence[str]]) -> Table:
    families = {row[1] for row in rows}
    said = [any(row[place] != UNDEFINED for row in rows) for place in range(len(columns) + 2)]
    keep = [place for place in range(len(columns) + 2) if said[place] and (place != 1 or len(families) > 1)]
    header = [first, "family", *columns]
    names = sum(place < 2 for place in keep)
    return _grid(title, [header[place] for place in keep], [[row[place] for place in keep] for row in rows], names)


def _grid(title: str | None, header: Sequence[str], rows: Sequence[Sequence[str]], names: int = 1) -> Table:
    """`names`: how many columns are names, not numbers."""
    # Names come from files: as Text, so that "[bold]" in one is not markup.
    table = Table(title=None if title is None else Text(title), title_justify="left")
    for place, heading in enumerate(header):
        table.add_column(heading, justify="left" if place < names else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table
