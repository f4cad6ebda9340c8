"""A date, and a date that was found in a text."""

from __future__ import annotations

import calendar
from typing import NamedTuple

from lm_eval_illusion.matching.dates.date_words import GREGORIAN

_LEAP_YEAR = 2004
"""Stands for an unknown year: 29 February exists then."""


class Date(NamedTuple):
    """A year, month and day, of which some may be unknown.

    Attributes:
        year: Negative before the common era.
        month: 1 to 12.
        day: 1 to 31.
        calendar: Number of the calendar to which the three belong.
    """

    year: int | None
    month: int | None
    day: int | None
    calendar: int = GREGORIAN


class FoundDate(NamedTuple):
    """A date in a text, and the indices of its first token and behind its last one.

    `is_sure` is False for a day and month in digits, which may also be a score or a fraction: 12/3.
    """

    date: Date
    first: int
    after: int
    is_sure: bool = True


def agrees(found: Date, answer: Date) -> bool:
    """Return whether a date says all that the answer says: 12 March 2004 says March 2004, and not the reverse."""
    return all(theirs is None or ours == theirs for ours, theirs in zip(found[:3], answer[:3], strict=True)) and (
        answer.month is None or found.calendar == answer.calendar
    )


def exists(found: Date) -> bool:
    """Return whether there is such a month or day."""
    if found.month is None or not 1 <= found.month <= 12:
        return False
    if found.day is None:
        return True
    if found.calendar != GREGORIAN:
        return 1 <= found.day <= 31
    year = _LEAP_YEAR if found.year is None or found.year < 1 else found.year
    return 1 <= found.day <= calendar.monthrange(year, found.month)[1]
