"""Tables for the page: columns with their meaning, cells with a text and what they sort by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lm_eval_illusion.report.numbers import UNDEFINED, count, decimal, p_value, percent, share_with_interval

Entry = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """`order` is what the column sorts by, None where undefined; `note` stands small behind the text."""

    text: str
    order: float | str | None
    note: str = ""


@dataclass(frozen=True)
class Column:
    """A heading, what it means, and how an entry becomes its cell. Columns of one `group` share a heading above theirs."""

    name: str
    meaning: str
    cell: Callable[[Entry], Cell]
    group: str = ""
    number: bool = True


@dataclass(frozen=True)
class Table:
    """What the template shows; `groups` are headings with the count of columns under each, empty where there are none."""

    caption: str
    columns: list[Column]
    groups: list[tuple[str, int]]
    rows: list[list[Cell]]


def table(caption: str, columns: Sequence[Column], entries: Sequence[Entry]) -> Table | None:
    """The table of these entries without the columns that are undefined in all of them; None of no entry."""
    if not entries:
        return None
    cells = [[column.cell(entry) for column in columns] for entry in entries]
    keep = [place for place in range(len(columns)) if any(row[place].text != UNDEFINED for row in cells)]
    kept = [columns[place] for place in keep]
    return Table(caption, kept, _groups(kept), [[row[place] for place in keep] for row in cells])


def words(name: str, meaning: str, key: str | Callable[[Entry], str]) -> Column:
    """A column of text."""
    read = key if callable(key) else lambda entry: str(entry[key])
    return Column(name, meaning, lambda entry: Cell(read(entry), read(entry)), number=False)


def counted(
    name: str,
    meaning: str,
    key: str | Callable[[Entry], float | None],
    group: str = "",
    shown: Callable[[float | None], str] = count,
) -> Column:
    """A column of counts or ranks."""
    return _of(name, meaning, key, shown, group)


def shared(name: str, meaning: str, key: str | Callable[[Entry], float | None], group: str = "") -> Column:
    """A column of shares without interval, in per cent."""
    return _of(name, meaning, key, percent, group)


def p_valued(name: str, meaning: str, key: str | Callable[[Entry], float | None], group: str = "") -> Column:
    """A column of p values."""
    return _of(name, meaning, key, p_value, group)


def decimals(name: str, meaning: str, key: str | Callable[[Entry], float | None], group: str = "") -> Column:
    """A column of plain numbers."""
    return _of(name, meaning, key, lambda value: decimal(value, 2), group)


def rated(
    name: str,
    meaning: str,
    key: str | Callable[[Entry], Entry | None],
    group: str = "",
    shown: Callable[[Entry | None], str] = share_with_interval,
    note: Callable[[Entry], str] = lambda entry: "",
) -> Column:
    """A column of rates with their intervals."""
    read = _reader(key)
    return Column(name, meaning, lambda entry: Cell(shown(read(entry)), (read(entry) or {}).get("value"), note(entry)), group)


def _of(name: str, meaning: str, key: Any, shown: Callable[[float | None], str], group: str) -> Column:
    read = _reader(key)
    return Column(name, meaning, lambda entry: Cell(shown(read(entry)), read(entry)), group)


def _reader(key: Any) -> Callable[[Entry], Any]:
    return key if callable(key) else lambda entry: entry[key]


def _groups(columns: Sequence[Column]) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for column in columns:
        if found and found[-1][0] == column.group:
            found[-1] = (column.group, found[-1][1] + 1)
        else:
            found.append((column.group, 1))
    return found if any(name for name, _ in found) else []
