"""CSV and TSV files with a header -> rows."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pairing.reading.fields import SYNONYMS, plain_name
from lm_eval_illusion.pairing.reading.literals import divided, structure_in
from lm_eval_illusion.pairing.reading.rows import BadRowError, Rows, SourceRow, named
from lm_eval_illusion.pairing.reading.table_cells import cell_problem, rows_of_cells

DELIMITERS = ",\t;|"
CELLS = "a row has another number of cells than the header"
LONG_CELL = "a cell of a table is too long"
_KNOWN = frozenset(plain_name(name) for names in SYNONYMS.values() for name in names)
_ALIASES = frozenset(map(plain_name, (*SYNONYMS["aliases"], *SYNONYMS["wrong answers"])))
_LISTS = _ALIASES | frozenset(map(plain_name, SYNONYMS["choices"]))
_SEPARATOR = re.compile(r'"?sep=([,;|\t])"?')
_MMLU = ("question", "A", "B", "C", "D", "answer")
"""The columns of MMLU's CSV files, which have no header."""


def delimiter_of(first_line: str, least_known: int = 0) -> str | None:
    """Return the delimiter of a table by its header, None if the line is no header.

    It is the one that gives the most columns with a name that is known, then the most columns. A header has at least two columns, and
    `least_known` with a name that is known.
    """

    def merit(delimiter: str) -> tuple[int, int]:
        names = next(csv.reader([first_line], delimiter=delimiter, skipinitialspace=True), [])
        return sum(plain_name(name) in _KNOWN for name in names), len(names)

    if stated := _SEPARATOR.fullmatch(first_line.strip()):  # written for Excel
        return stated[1]
    best = max(DELIMITERS, key=merit)
    known, columns = merit(best)
    return best if columns > 1 and known >= least_known else None


def table_rows(text: str, path: str, delimiter: str) -> Rows:
    """Yield the rows of a table. A blank cell is a missing value.

    Raises:
        UserError: The header has a name twice, a quotation mark is left open, or a cell is too long.
    """
    header: list[str] = []
    for row in rows_of_cells(text, delimiter, path):
        location, cells = f"{path}:{row.line}", row.cells
        if row.error is not None:
            yield BadRowError(location, LONG_CELL, cell_problem(row.error))
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if not header:
            if _SEPARATOR.fullmatch(delimiter.join(cells).strip()):
                continue
            if not _is_row_of_mmlu(cells):
                header = _header(cells, location)
                continue
            header = list(_MMLU)
        if len(cells) != len(header):
            if row.lines > 1:
                raise UserError(
                    f"{location}: {row.lines} lines are one row of {len(cells)} cells, and the header has"
                    f" {len(header)}: is a quotation mark left open in line {row.line}?"
                )
            yield BadRowError(
                location, CELLS, f"{len(cells)} cells, but the header has {len(header)}: quote cells with {delimiter!r}"
            )
            continue
        if row.is_open:
            raise UserError(f"{location}: a quotation mark is opened here and never closed: close it, or write it twice")
        values = {name: cell_value(cell, name) for name, cell in zip(header, cells, strict=True) if name}
        yield SourceRow(location, f"line-{row.line}", values)


def _is_row_of_mmlu(cells: Sequence[str]) -> bool:
    """Whether the first line of a table is a question with four options and the letter of the right one, not a header."""
    letter = cells[-1].strip()
    return (
        len(cells) == len(_MMLU)
        and letter in ("A", "B", "C", "D")
        and not any(plain_name(cell) in _KNOWN for cell in cells[:-1])
    )


def _header(cells: Sequence[str], location: str) -> list[str]:
    names = [cell.strip() for cell in cells]
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise UserError(f"{location}: the header has {named(twice)} twice: give every column its own name")
    return names


def cell_value(cell: str, name: str) -> object:
    """Return what a cell holds: its text, None if it is blank. A cell of aliases or options that is no list is divided at "|" and ";"."""
    if not cell.strip():
        return None
    plain = plain_name(name)
    if plain in _LISTS and structure_in(cell) is None:
        parts = divided(cell)
        return parts if len(parts) > 1 or plain in _ALIASES else cell
    return cell
