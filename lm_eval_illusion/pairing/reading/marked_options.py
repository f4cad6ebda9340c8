"""Options that say themselves which of them is right: [{"text": "Rome", "correct": true}, ...], and marks in a list: [0, 0, 1, 0]."""

from __future__ import annotations

from collections.abc import Mapping

from lm_eval_illusion.pairing.reading.fields import contents

_MARKS = ("correct", "iscorrect", "iscorrectanswer", "isright", "istrue", "isanswer")
"""Plain names of the field of an option that says whether it is right."""


def marks_of(entries: object) -> list[bool]:
    """Return for each option of a list of objects whether it is marked as right; [] if not all are marked, or none as wrong."""
    if not isinstance(entries, list):
        return []
    marks: list[bool] = []
    for entry in entries:
        inner = contents(entry) if isinstance(entry, Mapping) else {}
        mark = next((inner[name] for name in _MARKS if name in inner), None)
        if not _is_mark(mark):
            return []
        marks.append(bool(mark))
    return marks if False in marks else []


def marked_position(marks: object, count: int) -> int | None:
    """Return the position of the only option that a list of marks, one for each of `count` options, states as right; otherwise None."""
    if not isinstance(marks, list) or len(marks) != count or count < 2 or not all(map(_is_mark, marks)):
        return None
    return marks.index(1) if sum(marks) == 1 else None


def _is_mark(value: object) -> bool:
    return isinstance(value, (bool, int)) and value in (0, 1)
