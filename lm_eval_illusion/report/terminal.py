"""The report's tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lm_eval_illusion.report.tables import COLUMNS, UNDEFINED, language_rows, variant_rows, variants_of

WIDTH_OF_A_FILE = 160


def print_report(report: dict[str, Any], notes: Sequence[str]) -> None:
    """A table of variants, then one of languages for each variant, then the notes."""
    console = Console()
    if not console.is_terminal:
        # A pipe has no width; 80 columns would break the numbers apart.
        console = Console(width=WIDTH_OF_A_FILE)
    for base_model, variant in variants_of(report):
        rows = language_rows(report, base_model, variant)
        console.print(_table(f"{variant} of {base_model}, by language (%)", "language", rows))
    # Last, because the end of the output is what stands on the screen.
    console.print(
        _table(f"Variants, all languages (%), recognition by {report['recognition_metric']}", "variant", variant_rows(report))
    )
    for note in notes:
        console.print(Text(f"Note: {note}"))


def _table(title: str, first: str, rows: Sequence[Sequence[str]]) -> Table:
    families = {row[1] for row in rows}
    said = [any(row[place] != UNDEFINED for row in rows) for place in range(len(COLUMNS) + 2)]
    keep = [place for place in range(len(COLUMNS) + 2) if said[place] and (place != 1 or len(families) > 1)]
    header = [first, "family", *COLUMNS]
    # Names come from files: as Text, so that "[bold]" in one is not markup.
    table = Table(title=Text(title), title_justify="left")
    for place in keep:
        table.add_column(header[place], justify="left" if place < 2 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(row[place]) for place in keep))
    return table
