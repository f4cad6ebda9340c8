"""Dates with the month by name: 12 March 2004, March 12th, March 2004."""

from __future__ import annotations

from collections.abc import Sequence

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.dates.date import Date, FoundDate
from lm_eval_illusion.matching.dates.eras import year_of
from lm_eval_illusion.matching.dates.parts import DatePart, can_be_year, neighbour
from lm_eval_illusion.matching.numbers.tokens import Tokens


def date_around_month(parts: Sequence[DatePart], index: int, used: set[int], tokens: Tokens) -> FoundDate | None:
    """Return the date whose month is a part: the day and the year stand beside it, on one side or on both."""
    before = neighbour(parts, index, -1)
    after = neighbour(parts, index, 1)
    before = None if before in used else before
    day: int | None = None
    year: int | None = None
    year_last = language(tokens.line.lang).dates.year_last
    if before is not None and _can_be_day(parts[before]):
        if _ends_range(parts, before):
            return None
        day, year = before, after if after is not None and _can_be_year_behind(parts[after], tokens) else None
        if year is None and not year_last:
            further = neighbour(parts, before, -1)
            year = further if further is not None and further not in used and can_be_year(parts[further]) else None
    elif before is not None and not year_last and can_be_year(parts[before]):
        year, day = before, after if after is not None and _can_be_day(parts[after]) else None
    elif after is not None and _can_be_day(parts[after]):
        day = after
        further = neighbour(parts, after, 1)
        year = further if further is not None and _can_be_year_behind(parts[further], tokens) else None
    elif after is not None and can_be_year(parts[after]):
        year = after
    places = [place for place in (day, index, year) if place is not None]
    if len(places) == 1 or (year is None and _is_other_word(parts[index], tokens)):
        return None
    used.update(places)
    found = Date(
        year=year_of(parts[year], tokens.line.lang) if year is not None else None,
        month=parts[index].value,
        day=parts[day].value if day is not None else None,
        calendar=parts[index].calendar,
    )
    return FoundDate(found, parts[min(places)].first, parts[max(places)].after)


def _ends_range(parts: Sequence[DatePart], index: int) -> bool:
    """Return whether a number is the end of a range: 7 in 5-7 May."""
    return index >= 2 and parts[index - 1].kind == "range" and parts[index - 2].kind == "number"


def _can_be_day(part: DatePart) -> bool:
    return not part.is_year and 1 <= part.value <= 31 and part.digits <= 2


def _can_be_year_behind(part: DatePart, tokens: Tokens) -> bool:
    """Return whether a number behind a day and a month is a year; two digits are one after an apostrophe: '04."""
    if can_be_year(part):
        return True
    start = tokens.span(part.first, part.after)[0]
    return part.digits == 2 and tokens.line.text[max(0, start - 1) : start] in ("'", "’", "‘", "ʼ")


def _is_other_word(month: DatePart, tokens: Tokens) -> bool:
    """Return whether a month is written like a common word: may, not May."""
    if tokens.words[month.first] not in language(tokens.line.lang).dates.capital_months:
        return False
    start = tokens.span(month.first, month.after)[0]
    return not tokens.line.text[start].isupper()
