"""A row as a source gives it, and what becomes of one that can't be used."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.escaping import cut

Row = Mapping[str, object]
"""The fields of one row, not checked yet."""
NO_ANSWER = "the source says that the question has no answer"
"""The reason for questions that are dropped without a mistake."""
MOST_NAMES = 20
"""Names of fields that a message lists."""


@dataclass(frozen=True)
class SourceRow:
    """One row of a source.

    `location`: "file:line", "file[index]" or "row N of hub:...". `made_id`: the id that it gets if it has none of its own.
    """

    location: str
    made_id: str
    fields: Row


class BadRowError(UserError):
    """A row that can't be used.

    `location`: where it stands. `reason`: the kind of mistake, the same for all rows that have it. `problem`: what is wrong with this
    row and what to do.
    """

    def __init__(self, location: str, reason: str, problem: str) -> None:
        super().__init__(f"{location}: {problem}")
        self.location = location
        self.reason = reason
        self.problem = problem


class NoAnswerError(BadRowError):
    """A row that is right, but says that its question has no answer: it is left out, and it is no mistake of the file."""


@dataclass(frozen=True)
class DroppedRow:
    """A row that gave no question, or not in all its languages: where it stands, the kind of mistake, and the mistake itself."""

    location: str
    reason: str
    problem: str = ""
    is_mistake: bool = True


Rows = Iterator[SourceRow | BadRowError]
"""What a source yields: rows, and an error in the place of each one that can't be read."""


def dropped_row(error: BadRowError) -> DroppedRow:
    """Return the record of a row that can't be used."""
    return DroppedRow(error.location, error.reason, error.problem, not isinstance(error, NoAnswerError))


def as_json(value: object) -> str:
    """Return a value as JSON, so that a user finds it in the file; only the beginning of a long one."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (RecursionError, ValueError, TypeError):
        return f"(a value of type {type(value).__name__} that can't be shown)"
    return text if len(text) <= 100 else f"{text[:100]}..."


def named(names: Iterator[str] | list[str]) -> str:
    """Return the names of fields for a message or a summary: each on one line and not long, and not too many."""
    plain = [cut(" ".join(name.encode("utf-8", "backslashreplace").decode().split()), 60) or "''" for name in names]
    return ", ".join(plain[:MOST_NAMES]) + (f" and {len(plain) - MOST_NAMES} more" if len(plain) > MOST_NAMES else "")
