"""The dates of a text, however the language writes them.

A date is read, not compared as text: 12 March 2004, March 12th, 2004 and 2004-03-12 are the same day.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator

from lm_eval_illusion.matching.dates.date import Date, FoundDate, exists
from lm_eval_illusion.matching.dates.date_words import GREGORIAN, date_words
from lm_eval_illusion.matching.dates.eras import parts_of
from lm_eval_illusion.matching.dates.in_digits import dates_in_digits
from lm_eval_illusion.matching.dates.in_words import date_around_month
from lm_eval_illusion.matching.numbers.tokens import Tokens

_WEEKDAYS_KNOWN = range(1, 10_000)
"""Years of which the calendar of Python's standard library has the days of the week."""


def find_dates(tokens: Tokens) -> Iterator[FoundDate]:
    """Yield the dates of a text from left to right; digits that can be two dates are found as both.

    A year alone is found only beside the name of an era: elsewhere it is a number like any other. The day of the week before a date
    belongs to it, if it is that of the date: in Czech, "ne" is Sunday and "not".
    """
    return (_with_weekday(found, tokens) for found in _find_dates(tokens))


def _with_weekday(found: FoundDate, tokens: Tokens) -> FoundDate:
    """Return a date with the day of the week before it, if that is the day of the date."""
    year, month, day, era = found.date
    if year is None or month is None or day is None or era != GREGORIAN or year not in _WEEKDAYS_KNOWN or not found.first:
        return found
    named = date_words(tokens.line.lang).weekdays.at(tokens.words, found.first - 1)
    is_that_day = named is not None and named == (calendar.weekday(year, month, day), found.first)
    return found._replace(first=found.first - 1) if is_that_day else found


def _find_dates(tokens: Tokens) -> Iterator[FoundDate]:
    parts = parts_of(tokens)
    used: set[int] = set()
    for index, part in enumerate(parts):
        if part.kind == "month":
            found = date_around_month(parts, index, used, tokens)
            if found is not None and exists(found.date):
                yield found
        elif part.kind == "number" and index not in used:
            yield from dates_in_digits(parts, index, tokens)
            if part.is_year:
                yield FoundDate(Date(part.value, None, None), part.first, part.after)
