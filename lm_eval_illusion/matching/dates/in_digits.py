"""Dates in digits: 12.03.2004, 2004-03-12, 3/12/04. The order of day, month and year depends on the language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lm_eval_illusion.matching.dates.date import Date, FoundDate, exists
from lm_eval_illusion.matching.dates.date_words import date_words
from lm_eval_illusion.matching.dates.eras import calendar_of, year_of
from lm_eval_illusion.matching.dates.parts import LONGEST_YEAR, DatePart
from lm_eval_illusion.matching.numbers.tokens import Tokens

_SEPARATORS = frozenset("./-–—−‐‑")
_INVISIBLE = " \u00a0\u202f\u200e\u200f\u2067\u2069"
"""Spaces and marks of direction, which may stand beside a separator."""


def dates_in_digits(parts: Sequence[DatePart], index: int, tokens: Tokens) -> Iterator[FoundDate]:
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


def _orders_of_three(numbers: Sequence[DatePart], order: str) -> tuple[tuple[str, ...], ...]:
    """Return the orders that three numbers can have; a further group counts only if there is no such date by those before."""
    if numbers[0].digits >= 3:
        return (("ymd",),)
    if numbers[2].digits < 3:
        return ((order,),)
    # In English both orders are in use.
    return (("dmy", "mdy"),) if order == "mdy" else (("dmy",), ("mdy",))


def _joined_numbers(parts: Sequence[DatePart], index: int, tokens: Tokens) -> list[DatePart]:
    """Return the numbers in digits, at most three, that begin with a part and are joined by the same signs; [] if there are more."""
    numbers = [parts[index]]
    at = index + 1
    while at < len(parts) and len(numbers) <= 3:
        at += parts[at].kind == "range"
        if at >= len(parts) or parts[at].kind != "number" or not _are_joined(numbers[-1], parts[at], tokens):
            break
        numbers.append(parts[at])
        at += 1
    is_short = all(1 <= number.digits <= LONGEST_YEAR for number in numbers)
    return numbers if is_short and len(numbers) <= 3 else []


def _readings(numbers: Sequence[DatePart], orders: Sequence[str], tokens: Tokens) -> Iterator[Date]:
    """Yield the dates that numbers are if they stand in one of these orders, as "dmy"."""
    lang = tokens.line.lang
    for order in orders:
        by_letter = dict(zip(order, numbers, strict=True))
        written = by_letter.get("y")
        is_possible = all(number.digits <= 2 for letter, number in by_letter.items() if letter != "y")
        if not is_possible or (written is not None and written.digits < 2):
            continue
        year = year_of(written, lang) if written is not None else None
        day = by_letter["d"].value if "d" in by_letter else None
        found = Date(year, by_letter["m"].value, day, calendar_of(year, lang))
        if exists(found):
            yield found


def _are_joined(left: DatePart, right: DatePart, tokens: Tokens) -> bool:
    """Return whether a sign of dates stands between two numbers, perhaps with a space."""
    start, end = tokens.span(left.first, left.after)[1], tokens.span(right.first, right.after)[0]
    return tokens.line.text[start:end].strip(_INVISIBLE) in _SEPARATORS


def _is_followed_by_stop(part: DatePart, tokens: Tokens) -> bool:
    end = tokens.span(part.first, part.after)[1]
    return tokens.line.text[end : end + 1] == "."
