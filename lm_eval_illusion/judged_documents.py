"""The documents of a task as it judged them: right or wrong, by what they can be joined on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.runs import TaskFile
from lm_eval_illusion.whole_rows import WholeRow, read_whole_rows

# What says of one document whether it is right, where no metric is named.
USUAL_METRICS = {"recognition": ("acc", "exact_match"), "production": ("match", "exact_match", "acc")}


@dataclass(frozen=True)
class Side:
    """A task (or group) and, where they are named, the metric and the filter that say whether a document is right."""

    task: str
    metric: str | None
    filter: str | None


@dataclass(frozen=True)
class Judged:
    """A document's row and whether the metric that counts says that it is right."""

    row: WholeRow
    is_right: bool


def judged_by_key(asked: str, side: Side, role: str, files: Iterable[TaskFile], on: str | None) -> dict[str, Judged]:
    """The documents of a task by what they are joined on. `asked`: --pair as the user wrote it; `role`: recognition or production.

    Raises:
        UserError: a filter or metric is missing, doubtful, or not 0 or 1, `on` is no field or not unique, a file is not whole.
    """
    judged: dict[str, Judged] = {}
    for file in files:
        rows = _of_one_filter(asked, side, file, list(read_whole_rows(file.samples_file)))
        if len(rows) != file.effective:
            raise UserError(
                f"{file.samples_file} has {len(rows)} rows of a filter, its run asked {file.effective} documents: the file is not"
                " whole, run it again"
            )
        for row in rows:
            key = _key(row, on, file)
            if key in judged and on:
                raise UserError(f"{file.samples_file}: {on} {key!r} stands in two documents: give --on another field")
            # A data set may hold one document twice: the first meets the first, the second the second.
            while key in judged:
                key += "+"
            judged[key] = Judged(row, _is_right(asked, side, role, row, file))
    return judged


def _of_one_filter(asked: str, side: Side, file: TaskFile, rows: Sequence[WholeRow]) -> list[WholeRow]:
    names = list(dict.fromkeys(row.filter for row in rows))
    wanted = side.filter or (names[0] if len(names) == 1 else None)
    if rows and wanted not in names:
        raise UserError(
            f"--pair {asked!r}: {file.task} was scored after the filters {', '.join(names)}: name one, {side.task}:METRIC,FILTER"
        )
    return [row for row in rows if row.filter == wanted]


def _key(row: WholeRow, on: str | None, file: TaskFile) -> str:
    if on is None:
        return row.doc_hash
    value: Any = row.doc
    for name in on.split("."):
        if not isinstance(value, Mapping) or name not in value:
            raise UserError(f"{file.samples_file}: a document has no field {on}: give --on one of {', '.join(row.doc)}")
        value = value[name]
    return str(value)


def _is_right(asked: str, side: Side, role: str, row: WholeRow, file: TaskFile) -> bool:
    usual = next((name for name in USUAL_METRICS[role] if name in row.metrics), None)
    metric = side.metric or usual
    if metric not in row.metrics:
        raise UserError(
            f"--pair {asked!r}: {file.task} has no metric {metric or 'named'}: give one of {', '.join(row.metrics)}"
        )
    value = row.metrics[metric]
    if value not in (0, 1):
        binary = [name for name, other in row.metrics.items() if other in (0, 1)]
        raise UserError(
            f"--pair {asked!r}: {metric} of {file.task} is {value!r}, not 0 or 1: name a metric that is, maybe"
            f" {', '.join(binary) or 'none here'}"
        )
    return bool(value == 1)
