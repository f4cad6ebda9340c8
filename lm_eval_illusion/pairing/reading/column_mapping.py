"""`--map FIELD=COLUMN`: which columns of a source hold a field, where their names do not say it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.option_values import shown
from lm_eval_illusion.pairing.reading.literals import structure_in
from lm_eval_illusion.pairing.reading.rows import Row, named

FIELDS = (
    *("id", "lang", "question", "context", "answer", "aliases", "answer_type", "topic", "choices", "gold"),
    *("source", "license"),
)
"""The fields of a question, as `--map` names them."""


@dataclass(frozen=True)
class Columns:
    """Where a field is. `paths`: names of columns, a dot leads into an object; several make a list; none: the field is not used."""

    paths: tuple[str, ...]


Mapped = Mapping[str, Columns]
"""Field -> its columns."""


def read_mapping(entries: Sequence[str]) -> dict[str, Columns]:
    """Return the mapping that the values of `--map` state: "question=Frage", "answer=meta.gold", "choices=A,B,C,D", "choices=".

    Raises:
        UserError: An entry has no "=", its field is unknown, or a field is given twice.
    """
    mapping: dict[str, Columns] = {}
    for entry in entries:
        field, sign, columns = entry.partition("=")
        field = field.strip()
        if not sign:
            raise UserError(f"--map {shown(entry)} is not FIELD=COLUMN: give e.g. question=Frage")
        if field not in FIELDS:
            near = difflib.get_close_matches(field, FIELDS, n=1)
            hint = f"did you mean {near[0]}? The fields are" if near else "give one of"
            raise UserError(f"--map {shown(entry)}: there is no field {shown(field)}: {hint} {', '.join(FIELDS)}")
        if field in mapping:
            raise UserError(f"--map gives {field} twice: give several columns as {field}=A,B,C")
        mapping[field] = Columns(tuple(path.strip() for path in columns.split(",") if path.strip()))
    return mapping


def check_mapping(mapping: Mapped, rows: Sequence[Row], source: str) -> None:
    """Check that each column of a mapping is in some row.

    Raises:
        UserError: A column is in no row; the message names the columns that there are.
    """
    missing = {path: field for field, columns in mapping.items() for path in columns.paths}
    for row in rows:
        if not missing:
            return
        for path in [path for path in missing if value_at(row, path)[0]]:
            del missing[path]
    for path, field in missing.items():
        names = list(dict.fromkeys(name for row in rows for name in row))
        near = difflib.get_close_matches(path, names, n=1)
        hint = f"did you mean {named(near)}? " if near else ""
        raise UserError(
            f"--map {field}={path}: no row of {source} has the column {shown(path)}: {hint}there are {named(names) or 'none'}"
        )


def value_at(row: Row, path: str) -> tuple[bool, object]:
    """Return whether a row has something at a path, and what. A name that contains dots is a column itself, if there is such a one."""
    if path in row:
        return True, row[path]
    value: object = row
    for name in path.split("."):
        if isinstance(value, str):  # an object in a cell of a table
            value = structure_in(value)
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and len(name) < 7 and int(name) < len(value):
            value = value[int(name)]
        else:
            return False, None
    return True, value


def mapped_value(row: Row, columns: Columns) -> object:
    """Return the value of the columns of a field: of one column as it is, of several a list; None where there is nothing."""
    values = [value_at(row, path)[1] for path in columns.paths]
    if len(columns.paths) == 1:
        return values[0]
    joined: list[object] = []
    for value in values:
        joined += value if isinstance(value, list) else [] if value is None else [value]
    return joined or None


def first_names(row: Row, columns: Columns) -> list[str]:
    """Return the columns of a row in which the paths begin."""
    return [path if path in row else path.split(".")[0] for path in columns.paths]
