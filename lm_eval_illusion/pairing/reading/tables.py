"""CSV and TSV files with a header -> rows."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.pairing.reading.fields import SYNONYMS, plain_name
from lm_eval_illusion.pairing.reading.literals import structure_in
from lm_eval_illusion.pairing.reading.rows import BadRowError, Rows, SourceRow, named

DELIMITERS = ",\t;|"
CELLS = "a row has another number of cells than the header"
LONG_CELL = "a cell of a table is too long"
_KNOWN = frozenset(plain_name(name) for names in SYNONYMS.values() for name in names)
_ALIASES = frozenset(map(plain_name, (*SYNONYMS["aliases"], *SYNONYMS["wrong answers"])))
_LISTS = _ALIASES | frozenset(map(plain_name, SYNONYMS["choices"]))
_SEPARATOR = re.compile(r'"?sep=([,;|\t])"?')
_MMLU = ("question", "A", "B", "C", "D", "answer")
"""The columns of MMLU's CSV files, which have no header."""
_MANY_IN_CELL = re.compile(r"[|;]")


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
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    header: list[str] = []
    before = 0
    for cells, line in _cells(reader, path):
        location = f"{path}:{line}"
        if isinstance(cells, csv.Error):
            yield BadRowError(location, LONG_CELL, _cell_problem(cells))
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
        before = line
        if len(cells) != len(header):
            if reader.line_num > line:
                raise UserError(
                    f"{location}: {reader.line_num - line + 1} lines are one row of {len(cells)} cells, and the header has"
                    f" {len(header)}: is a quotation mark left open in line {line}?"
                )
            yield BadRowError(
                location, CELLS, f"{len(cells)} cells, but the header has {len(header)}: quote cells with {delimiter!r}"
            )
            continue
        values = {name: cell_value(cell, name) for name, cell in zip(header, cells, strict=True) if name}
        yield SourceRow(location, f"line-{line}", values)
    _refuse_open_quote(text, before, path, delimiter)


def _cells(reader: Iterator[list[str]], path: str) -> Iterator[tuple[list[str] | csv.Error, int]]:
    """Yield the cells of each row, or why one line is none, and the number of the line in which it begins."""
    line = 1
    while True:
        try:
            cells: list[str] | csv.Error = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if reader.line_num > line:  # type: ignore[attr-defined]
                # Behind an open quotation mark the rows would be lost.
                raise UserError(f"{path}:{line}: {_cell_problem(error)}") from error
            cells = error
        yield cells, line
        line = reader.line_num + 1  # type: ignore[attr-defined]


def _cell_problem(error: csv.Error) -> str:
    limit = f"{csv.field_size_limit():,} characters"
    return f"no row of a table ({one_line(error)}): is a quotation mark left open, or a cell longer than {limit}?"


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


def _refuse_open_quote(text: str, line: int, path: str, delimiter: str) -> None:
    """Refuse a table whose last row is quoted to the end of the file: `csv` takes this, and all lines after the quotation mark are lost."""
    if line and '"' in text:
        last = text.splitlines(keepends=True) if "\r" in text else text.split("\n")
        rest = ("" if "\r" in text else "\n").join(last[line - 1 :])
        try:
            list(csv.reader(io.StringIO(rest, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True))
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise UserError(
                    f"{path}:{line}: a quotation mark is opened here and never closed: close it, or write it twice"
                ) from error


def cell_value(cell: str, name: str) -> object:
    """Return what a cell holds: its text, None if it is blank. A cell of aliases or options that is no list is divided at "|" and ";"."""
    if not cell.strip():
        return None
    plain = plain_name(name)
    if plain in _LISTS and structure_in(cell) is None:
        parts = [part.strip() for part in _MANY_IN_CELL.split(cell) if part.strip()]
        return parts if len(parts) > 1 or plain in _ALIASES else cell
    return cell
