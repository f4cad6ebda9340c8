"""Dates: what day, month and year a text names, however the language writes it.

A date is read, not compared as text: 12 March 2004, March 12th, 2004 and 2004-03-12 are the same day.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.dates.date_words import GREGORIAN, DateWords, christian_eras, date_words
from lm_eval_illusion.matching.numbers.tokens import Tokens, WrittenNumber, tokens_of, words_of
from lm_eval_illusion.matching.text.punctuation import RANGE

_LEAP_YEAR = 2004
"""Stands for an unknown year: 29 February exists then."""
# Only in these years two digits are enough: 3/12/04 is not in 1804.
_SHORT_YEARS = range(1950, 2050)
# A bare year of the common era that may also be written in the second era of a language.
_COMMON_YEARS = range(1000, 2101)
_MOST_FILLERS = 4
"""Words between two parts of a date: "of the year"."""
_SEPARATORS = frozenset("./-–—−‐‑")
_INVISIBLE = " \u00a0\u202f\u200e\u200f\u2067\u2069"
_LONGEST_YEAR = 4
_WEEKDAYS_KNOWN = range(1, 10_000)
"""Years of which the calendar of Python's standard library has the days of the week."""


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


class _Part(NamedTuple):
    """One token or several that are a part of a date.

    `kind` is "number", "month", "era", "christ", "filler", "range" or "other". A number has a value; `digits` is 0 if it is in words;
    `is_year`: an era beside it says so, and the value is in the common era. The value of an era is added to the number beside it. The
    value of "christ" is 1 before Christ.
    """

    kind: str
    first: int
    after: int
    value: int = 0
    digits: int = 0
    is_year: bool = False
    calendar: int = GREGORIAN


def agrees(found: Date, answer: Date) -> bool:
    """Return whether a date says all that the answer says: 12 March 2004 says March 2004, and not the reverse."""
    return all(theirs is None or ours == theirs for ours, theirs in zip(found[:3], answer[:3], strict=True)) and (
        answer.month is None or found.calendar == answer.calendar
    )


@lru_cache(maxsize=1_000)
def date_of(text: str, lang: str) -> Date | None:
    """Return the date that a text is; None if it is none, if it says more than a date, or if it can be two dates (3/12/2004).

    A date is a year, month and day, or two of them with the month by name, or a year beside a word for "year" or for its era.

    Raises:
        UserError: CLDR does not know the language.
    """
    tokens = tokens_of(text, lang)
    parts = _parts(tokens)
    content = [part for part in parts if part.kind != "filler"]
    if not content or any(part.kind == "other" for part in content):
        return None
    found = {
        hit.date
        for hit in find_dates(tokens)
        if hit.is_sure and hit.first <= content[0].first and hit.after >= content[-1].after
    }
    if len(found) == 1:
        return found.pop()
    return _lone_year(content, len(parts), lang) if not found else None


def _lone_year(content: list[_Part], count: int, lang: str) -> Date | None:
    """Return the year that a text of one number is: one beside a word for "year", or one that has another form in a second era."""
    part = content[0]
    if len(content) > 1 or part.kind != "number" or not _can_be_year(part):
        return None
    second_era = language(lang).dates.second_era
    if count > 1 or (second_era is not None and part.value in _COMMON_YEARS):
        return Date(part.value, None, None)
    return None


def year_forms(answer: Date, text: str, lang: str) -> tuple[str, ...]:
    """Return the normalised ways to write a year without a month: the number alone, and with the second era of the language."""
    if answer.month is not None or answer.year is None or answer.year < 0:
        return ()
    era = language(lang).dates.second_era
    if era is None:
        return (str(answer.year),)
    name, of_era = " ".join(words_of(era.name, lang)), str(answer.year + era.offset)
    return str(answer.year), f"{name} {of_era}", *([of_era] if of_era in text else [])


def find_dates(tokens: Tokens) -> Iterator[FoundDate]:
    """Yield the dates of a text from left to right; digits that can be two dates are found as both.

    A year alone is found only beside the name of an era: elsewhere it is a number like any other. The day of the week before a date
    belongs to it, if it is that of the date: in Czech, "ne" is Sunday and "not".
    """
    return (_with_weekday(found, tokens) for found in _find_dates(tokens))


def _with_weekday(found: FoundDate, tokens: Tokens) -> FoundDate:
    year, month, day, era = found.date
    if year is None or month is None or day is None or era != GREGORIAN or year not in _WEEKDAYS_KNOWN or not found.first:
        return found
    named = date_words(tokens.line.lang).weekdays.at(tokens.words, found.first - 1)
    is_that_day = named is not None and named == (calendar.weekday(year, month, day), found.first)
    return found._replace(first=found.first - 1) if is_that_day else found


def _find_dates(tokens: Tokens) -> Iterator[FoundDate]:
    parts = _parts(tokens)
    used: set[int] = set()
    for index, part in enumerate(parts):
        if part.kind == "month":
            found = _around_month(parts, index, used, tokens)
            if found is not None and _exists(found.date):
                yield found
        elif part.kind == "number" and index not in used:
            yield from _in_digits(parts, index, tokens)
            if part.is_year:
                yield FoundDate(Date(part.value, None, None), part.first, part.after)


def is_before_christ(text: str, start: int, end: int, lang: str) -> bool:
    """Return whether the number at a place in a line is a year before the common era: 476 in "476 BC"."""
    tokens = tokens_of(text, lang)
    if not date_words(lang).before_christ.may_be_in(tokens.words):
        return False
    years = (part for part in _parts(tokens) if part.kind == "number" and part.is_year and part.value < 0)
    return any(first <= start and end <= after for first, after in (tokens.span(year.first, year.after) for year in years))


@lru_cache(maxsize=50_000)
def with_other_era_names(answer: str, lang: str) -> tuple[str, ...]:
    """Return an answer that ends with the name of an era, as "5th century BC", once with each name of that era."""
    tokens, eras = tokens_of(answer, lang), date_words(lang).before_christ
    if not eras.may_be_in(tokens.words):
        return ()
    for index in range(1, len(tokens.words)):
        found = eras.at(tokens.words, index)
        if found is not None and found[1] == len(tokens.words):
            rest = answer[: tokens.span(index, found[1])[0]]
            return tuple(rest + name for name, is_before in christian_eras(lang) if is_before == found[0])
    return ()


def _around_month(parts: Sequence[_Part], index: int, used: set[int], tokens: Tokens) -> FoundDate | None:
    """Return the date whose month is a part: the day and the year stand beside it, on one side or on both."""
    before = _neighbour(parts, index, -1)
    after = _neighbour(parts, index, 1)
    before = None if before in used else before
    day: int | None = None
    year: int | None = None
    year_last = language(tokens.line.lang).dates.year_last
    if before is not None and _can_be_day(parts[before]):
        if _ends_range(parts, before):
            return None
        day, year = before, after if after is not None and _can_be_year_behind(parts[after], tokens) else None
        if year is None and not year_last:
            further = _neighbour(parts, before, -1)
            year = further if further is not None and further not in used and _can_be_year(parts[further]) else None
    elif before is not None and not year_last and _can_be_year(parts[before]):
        year, day = before, after if after is not None and _can_be_day(parts[after]) else None
    elif after is not None and _can_be_day(parts[after]):
        day = after
        further = _neighbour(parts, after, 1)
        year = further if further is not None and _can_be_year_behind(parts[further], tokens) else None
    elif after is not None and _can_be_year(parts[after]):
        year = after
    places = [place for place in (day, index, year) if place is not None]
    if len(places) == 1 or (year is None and _is_other_word(parts[index], tokens)):
        return None
    used.update(places)
    found = Date(
        year=_year_of(parts[year], tokens.line.lang) if year is not None else None,
        month=parts[index].value,
        day=parts[day].value if day is not None else None,
        calendar=parts[index].calendar,
    )
    return FoundDate(found, parts[min(places)].first, parts[max(places)].after)


def _in_digits(parts: Sequence[_Part], index: int, tokens: Tokens) -> Iterator[FoundDate]:
    """Yield the dates that two or three numbers with signs between them can be: 12.03.2004, 2004-03-12, 3/12/04, 03/2004, 12.3."""
    if index and parts[index - 1].kind == "range":
        return
    numbers = _joined_numbers(parts, index, tokens)
    order = date_words(tokens.line.lang).order
    readings: set[Date] = set()
    if len(numbers) == 3:
        for orders in _orders_of_three(numbers, order):
            readings = readings or set(_readings(numbers, orders, tokens))
    elif len(numbers) == 2:
        long = [number.digits >= 3 for number in numbers]
        start, end = tokens.span(numbers[0].first, numbers[1].after)
        if any(long):
            readings = set(_readings(numbers, ("ym",) if long[0] else ("my",), tokens))
        elif "/" in tokens.line.text[start:end] or _is_followed_by_stop(numbers[1], tokens):
            readings = set(_readings(numbers, ("dm", "md") if order == "mdy" else (order.replace("y", ""),), tokens))
    for reading in sorted(readings, key=repr):
        yield FoundDate(reading, numbers[0].first, numbers[-1].after, is_sure=reading.year is not None)


def _orders_of_three(numbers: Sequence[_Part], order: str) -> tuple[tuple[str, ...], ...]:
    """Return the orders that three numbers can have; a further group counts only if there is no such date by those before."""
    if numbers[0].digits >= 3:
        return (("ymd",),)
    if numbers[2].digits < 3:
        return ((order,),)
    # In English both orders are in use.
    return (("dmy", "mdy"),) if order == "mdy" else (("dmy",), ("mdy",))


def _joined_numbers(parts: Sequence[_Part], index: int, tokens: Tokens) -> list[_Part]:
    """Return the numbers in digits, at most three, that begin with a part and are joined by the same signs; [] if there are more."""
    numbers = [parts[index]]
    at = index + 1
    while at < len(parts) and len(numbers) <= 3:
        at += parts[at].kind == "range"
        if at >= len(parts) or parts[at].kind != "number" or not _are_joined(numbers[-1], parts[at], tokens):
            break
        numbers.append(parts[at])
        at += 1
    is_short = all(1 <= number.digits <= _LONGEST_YEAR for number in numbers)
    return numbers if is_short and len(numbers) <= 3 else []


def _readings(numbers: Sequence[_Part], orders: Sequence[str], tokens: Tokens) -> Iterator[Date]:
    lang = tokens.line.lang
    for order in orders:
        by_letter = dict(zip(order, numbers, strict=True))
        written = by_letter.get("y")
        is_possible = all(number.digits <= 2 for letter, number in by_letter.items() if letter != "y")
        if not is_possible or (written is not None and written.digits < 2):
            continue
        year = _year_of(written, lang) if written is not None else None
        day = by_letter["d"].value if "d" in by_letter else None
        found = Date(year, by_letter["m"].value, day, _calendar_of(year, lang))
        if _exists(found):
            yield found


def _calendar_of(year: int | None, lang: str) -> int:
    """Return the calendar of a date in digits, by its year."""
    calendars = enumerate(language(lang).dates.calendars, GREGORIAN + 1)
    return next((n for n, entry in calendars if year is not None and entry.first_year <= year <= entry.last_year), GREGORIAN)


def _are_joined(left: _Part, right: _Part, tokens: Tokens) -> bool:
    """Return whether a sign of dates stands between two numbers, perhaps with a space."""
    start, end = tokens.span(left.first, left.after)[1], tokens.span(right.first, right.after)[0]
    return tokens.line.text[start:end].strip(_INVISIBLE) in _SEPARATORS


def _is_followed_by_stop(part: _Part, tokens: Tokens) -> bool:
    end = tokens.span(part.first, part.after)[1]
    return tokens.line.text[end : end + 1] == "."


def _neighbour(parts: Sequence[_Part], index: int, step: int) -> int | None:
    """Return the index of the next number to the left or right behind some fillers; None if another word comes first."""
    at = index + step
    while 0 <= at < len(parts) and parts[at].kind == "filler" and abs(at - index) <= _MOST_FILLERS:
        at += step
    return at if 0 <= at < len(parts) and parts[at].kind == "number" else None


def _ends_range(parts: Sequence[_Part], index: int) -> bool:
    return index >= 2 and parts[index - 1].kind == "range" and parts[index - 2].kind == "number"


def _can_be_day(part: _Part) -> bool:
    return not part.is_year and 1 <= part.value <= 31 and part.digits <= 2


def _can_be_year(part: _Part) -> bool:
    return part.is_year or (part.value >= 100 and part.digits <= _LONGEST_YEAR)


def _can_be_year_behind(part: _Part, tokens: Tokens) -> bool:
    """Return whether a number behind a day and a month is a year; two digits are one after an apostrophe: '04."""
    if _can_be_year(part):
        return True
    start = tokens.span(part.first, part.after)[0]
    return part.digits == 2 and tokens.line.text[max(0, start - 1) : start] in ("'", "’", "‘", "ʼ")


def _year_of(part: _Part, lang: str) -> int:
    """Return the year of the common era that a number within a date is: a great number is one of the second era even without its name."""
    if part.is_year:
        return part.value
    if part.digits == 2:
        return _in_full(part.value)
    era = language(lang).dates.second_era
    return part.value - era.offset if era is not None and era.first_year <= part.value <= era.last_year else part.value


def _in_full(year: int) -> int:
    return next(full for full in (1900 + year, 2000 + year) if full in _SHORT_YEARS)


def _is_other_word(month: _Part, tokens: Tokens) -> bool:
    """Return whether a month is written like a common word: may, not May."""
    if tokens.words[month.first] not in language(tokens.line.lang).dates.capital_months:
        return False
    start = tokens.span(month.first, month.after)[0]
    return not tokens.line.text[start].isupper()


def _exists(found: Date) -> bool:
    if found.month is None or not 1 <= found.month <= 12:
        return False
    if found.day is None:
        return True
    if found.calendar != GREGORIAN:
        return 1 <= found.day <= 31
    year = _LEAP_YEAR if found.year is None or found.year < 1 else found.year
    return 1 <= found.day <= calendar.monthrange(year, found.month)[1]


@lru_cache(maxsize=1_000)
def _parts(tokens: Tokens) -> tuple[_Part, ...]:
    known = date_words(tokens.line.lang)
    parts: list[_Part] = []
    index = 0
    while index < len(tokens.words):
        part = _part_at(tokens, index, known)
        index = part.after
        if parts and _is_same_month(parts[-1], part):
            # Two names of one month: آذار/مارس.
            parts[-1] = parts[-1]._replace(after=index)
        else:
            parts.append(part)
    return tuple(_with_eras(_without_weekdays(parts, tokens), tokens))


def _without_weekdays(parts: Sequence[_Part], tokens: Tokens) -> list[_Part]:
    """Return the parts with a month that is also a weekday as a filler if another month follows the day: mar 3 feb."""
    fillers = date_words(tokens.line.lang).fillers
    result = list(parts)
    for index, part in enumerate(parts):
        day = _neighbour(parts, index, 1) if part.kind == "month" and fillers.at(tokens.words, part.first) else None
        if day is not None:
            rest = (later.kind for later in parts[day + 1 : day + 1 + _MOST_FILLERS] if later.kind != "filler")
            if next(rest, None) == "month":
                result[index] = part._replace(kind="filler")
    return result


def _is_same_month(one: _Part, other: _Part) -> bool:
    return one.kind == other.kind == "month" and (one.value, one.calendar) == (other.value, other.calendar)


def _number_beside_months(tokens: Tokens, index: int, known: DateWords) -> WrittenNumber | None:
    """Return the number in words at an index; the name of a month that contains a numeral (삼월) is no part of it."""
    number = tokens.numbers.get(index)
    if number is None:
        # The tokens before may have been read as a month.
        around = (found.after for first, found in tokens.numbers.items() if first < index < found.after)
        after = next(around, None)
        number = tokens.number_within(index, after) if after is not None else None
    if number is None:
        return None
    month = next((at for at in range(index + 1, number.after) if known.months.at(tokens.words, at)), None)
    return number if month is None else tokens.number_within(index, month)


def _part_at(tokens: Tokens, index: int, known: DateWords) -> _Part:
    words, numbers = tokens.words, tokens.numbers
    if words[index] == RANGE:
        return _Part("range", index, index + 1)
    if month := known.months.at(words, index):
        (number, of_month), after = month
        return _Part("month", index, after, of_month, calendar=number)
    if (
        (marker := known.before_month.at(words, index))
        and (counted := numbers.get(marker[1]))
        and counted.value in range(1, 13)
    ):
        return _Part("month", index, counted.after, int(counted.value))
    if era := known.eras.at(words, index):
        return _Part("era", index, era[1], era[0])
    if christ := known.before_christ.at(words, index):
        return _Part("christ", index, christ[1], int(christ[0]))
    counted, filler = tokens.digits.get(index) or _number_beside_months(tokens, index, known), known.fillers.at(words, index)
    if counted and not counted.in_digits and filler and (filler[1] in numbers or index - 1 in tokens.digits):
        # năm is five and year, 일 is one and day.
        return _Part("filler", index, filler[1])
    if counted and counted.value == int(counted.value):
        value, after = int(counted.value), counted.after
        if after < len(words) and 1 <= value <= 12 and (marker := known.after_month.at(words, after)):
            return _Part("month", index, marker[1], value)
        return _Part("number", index, after, value, len(words[index]) if counted.in_digits else 0)
    if filler:
        return _Part("filler", index, filler[1])
    return _Part("other", index, index + 1)


def _with_eras(parts: Sequence[_Part], tokens: Tokens) -> list[_Part]:
    """Return the parts with each number beside the name of an era as a year of the common era, and these names as fillers."""
    result = list(parts)
    for index, part in enumerate(parts):
        if part.kind != "number":
            continue
        before = _nearest_era(result, index, -1)
        # An era counts for one number: in "44 BC 31 BC", the first is that of 44.
        at = before if before is not None else _nearest_era(result, index, 1)
        if at is None:
            continue
        era = result[at]
        if era.kind == "era" and at > index:
            continue
        # One letter beside a small number is a unit: 5 m.
        if (
            era.kind == "christ"
            and not era.value
            and part.value < 100
            and len(tokens.words[era.first]) == 1 == era.after - era.first
        ):
            continue
        value = part.value + era.value if era.kind == "era" else -part.value if era.value else part.value
        result[at] = era._replace(kind="filler")
        result[index] = part._replace(
            value=value, is_year=True, first=min(part.first, era.first), after=max(part.after, era.after)
        )
    return [part._replace(kind="filler") if part.kind in ("era", "christ") else part for part in result]


def _nearest_era(parts: Sequence[_Part], index: int, step: int) -> int | None:
    at = index + step
    while 0 <= at < len(parts) and parts[at].kind == "filler" and abs(at - index) <= _MOST_FILLERS:
        at += step
    return at if 0 <= at < len(parts) and parts[at].kind in ("era", "christ") else None
