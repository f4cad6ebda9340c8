"""The cells of a table: how its quotation marks are meant, and the lines of each row.

CSV quotes cells and doubles a quotation mark within one. Some programs write a backslash before it instead. TSV files of data sets often
quote nothing: a quotation mark there is part of the text.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lm_eval_illusion.errors import UserError, one_line

# CSV allows no blank behind a closing quotation mark; people write one.
_BLANKS = re.compile(r'" +(?=[,;|\t\r\n]|$)')
_QUOTED_CELL = re.compile(r'\s*"((?:[^"]|"")*)"\s*', re.DOTALL)


@dataclass(frozen=True)
class TableRow:
    """The cells of one row, or `error`: why its line is none.

    `line`: where it begins, from 1 on. `lines`: how many it has. `is_open`: a quotation mark in it is not closed as CSV closes it.
    """

    line: int
    lines: int
    cells: list[str]
    error: csv.Error | None = None
    is_open: bool = False


def rows_of_cells(text: str, delimiter: str, path: str) -> Iterator[TableRow]:
    """Yield the rows of a table, blank ones included.

    Raises:
        UserError: A cell of several lines is too long.
    """
    is_csv = '"' not in text or not _strict_problem(text, delimiter)
    is_escaped = not is_csv and '\\"' in text and _is_escaped(text, delimiter)
    if delimiter == "\t" and '"' in text and ((not is_csv and not is_escaped) or _fit_unquoted(text)):
        yield from _unquoted_rows(text)
    else:
        yield from _csv_rows(text, delimiter, path, is_escaped=is_escaped)


def cell_problem(error: csv.Error) -> str:
    """Return what is wrong with a line that is no row."""
    limit = f"{csv.field_size_limit():,} characters"
    return f"no row of a table ({one_line(error)}): is a quotation mark left open, or a cell longer than {limit}?"


def _lines(text: str) -> Iterator[str]:
    return (line.removesuffix("\n") for line in io.StringIO(text, newline=None))


def _fit_unquoted(text: str) -> bool:
    """Whether each line of a TSV file has as many cells as the first one, if quotation marks mean nothing."""
    return len({line.count("\t") for line in _lines(text) if line.strip()}) == 1


def _unquoted_rows(text: str) -> Iterator[TableRow]:
    for number, line in enumerate(_lines(text), 1):
        yield TableRow(number, 1, _unquoted_cells(line, "\t"))


def _unquoted_cells(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line in which quotation marks divide nothing. Around a whole cell, they are taken off all the same."""
    return [found[1].replace('""', '"') if (found := _QUOTED_CELL.fullmatch(cell)) else cell for cell in line.split(delimiter)]


def _reader(lines: Iterable[str], delimiter: str, *, is_strict: bool, is_escaped: bool = False) -> Iterator[list[str]]:
    escape = "\\" if is_escaped else None
    return csv.reader(
        lines, delimiter=delimiter, skipinitialspace=True, strict=is_strict, escapechar=escape, doublequote=not is_escaped
    )


def _strict_problem(text: str, delimiter: str) -> str:
    """Return why a text is no CSV, "" if each of its quotation marks is one of CSV."""
    try:
        for _ in _reader(io.StringIO(text, newline=""), delimiter, is_strict=True):
            pass
    except csv.Error as error:
        return str(error)
    return ""


def _is_escaped(text: str, delimiter: str) -> bool:
    """Whether a table is one with a backslash before each quotation mark within a cell."""
    try:
        reader = _reader(io.StringIO(text, newline=""), delimiter, is_strict=True, is_escaped=True)
        return len({len(cells) for cells in reader if any(cells)}) == 1
    except csv.Error:
        return False


def _csv_rows(text: str, delimiter: str, path: str, *, is_escaped: bool) -> Iterator[TableRow]:
    read: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            read.append(line)
            yield line

    reader = _reader(lines(), delimiter, is_strict=False, is_escaped=is_escaped)
    line = 1
    while True:
        cells: list[str] = []
        error = None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as caught:
            if len(read) > 1:
                # Behind an open quotation mark the rows would be lost.
                raise UserError(f"{path}:{line}: {cell_problem(caught)}") from caught
            error = caught
        raw, count = "".join(read), len(read)
        read.clear()
        is_open = False
        if error is None and '"' in raw and not is_escaped and (problem := _strict_problem(_BLANKS.sub('"', raw), delimiter)):
            is_open = count > 1 or "unexpected end" in problem
            unquoted = _unquoted_cells(raw.rstrip("\r\n"), delimiter)
            if not is_open and len(unquoted) == len(cells):
                cells = unquoted  # A quotation mark within a text stays: "Heroes" was sung by whom?
        yield TableRow(line, count, cells, error, is_open)
        line += count
