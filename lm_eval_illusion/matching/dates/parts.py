"""The parts of a date in a text: numbers, months, names of eras, and the words between them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from lm_eval_illusion.matching.dates.date_words import GREGORIAN, DateWords, date_words
from lm_eval_illusion.matching.numbers.tokens import Tokens, WrittenNumber
from lm_eval_illusion.matching.text.punctuation import RANGE

LONGEST_YEAR = 4
"""Most digits of a year."""
_MOST_FILLERS = 4
"""Words between two parts of a date: "of the year"."""


class DatePart(NamedTuple):
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


def read_parts(tokens: Tokens) -> list[DatePart]:
    """Return the parts of a text from left to right. Names of eras are parts of their own: `eras.parts_of` joins them to years."""
    known = date_words(tokens.line.lang)
    parts: list[DatePart] = []
    index = 0
    while index < len(tokens.words):
        part = _part_at(tokens, index, known)
        index = part.after
        if parts and _is_same_month(parts[-1], part):
            # Two names of one month: آذار/مارس.
            parts[-1] = parts[-1]._replace(after=index)
        else:
            parts.append(part)
    return _without_weekdays(parts, tokens)


def neighbour(parts: Sequence[DatePart], index: int, step: int, kinds: Collection[str] = ("number",)) -> int | None:
    """Return the index of the next part of some kinds to the left or right behind some fillers; None if another part comes first.

    `step` is -1 to the left and 1 to the right.
    """
    at = index + step
    while 0 <= at < len(parts) and parts[at].kind == "filler" and abs(at - index) <= _MOST_FILLERS:
        at += step
    return at if 0 <= at < len(parts) and parts[at].kind in kinds else None


def can_be_year(part: DatePart) -> bool:
    """Return whether a number can be a year: an era says so, or it has three or four digits."""
    return part.is_year or (part.value >= 100 and part.digits <= LONGEST_YEAR)


def _without_weekdays(parts: Sequence[DatePart], tokens: Tokens) -> list[DatePart]:
    """Return the parts with a month that is also a weekday as a filler if another month follows the day: mar 3 feb."""
    fillers = date_words(tokens.line.lang).fillers
    result = list(parts)
    for index, part in enumerate(parts):
        day = neighbour(parts, index, 1) if part.kind == "month" and fillers.at(tokens.words, part.first) else None
        if day is not None:
            rest = (later.kind for later in parts[day + 1 : day + 1 + _MOST_FILLERS] if later.kind != "filler")
            if next(rest, None) == "month":
                result[index] = part._replace(kind="filler")
    return result


def _is_same_month(one: DatePart, other: DatePart) -> bool:
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


def _part_at(tokens: Tokens, index: int, known: DateWords) -> DatePart:
    words, numbers = tokens.words, tokens.numbers
    if words[index] == RANGE:
        return DatePart("range", index, index + 1)
    if month := known.months.at(words, index):
        (number, of_month), after = month
        return DatePart("month", index, after, of_month, calendar=number)
    if (
        (marker := known.before_month.at(words, index))
        and (counted := numbers.get(marker[1]))
        and counted.value in range(1, 13)
    ):
        return DatePart("month", index, counted.after, int(counted.value))
    if era := known.eras.at(words, index):
        return DatePart("era", index, era[1], era[0])
    if christ := known.before_christ.at(words, index):
        return DatePart("christ", index, christ[1], int(christ[0]))
    counted, filler = tokens.digits.get(index) or _number_beside_months(tokens, index, known), known.fillers.at(words, index)
    if counted and not counted.in_digits and filler and (filler[1] in numbers or index - 1 in tokens.digits):
        # năm is five and year, 일 is one and day.
        return DatePart("filler", index, filler[1])
    if counted and counted.value == int(counted.value):
        value, after = int(counted.value), counted.after
        if after < len(words) and 1 <= value <= 12 and (marker := known.after_month.at(words, after)):
            return DatePart("month", index, marker[1], value)
        return DatePart("number", index, after, value, len(words[index]) if counted.in_digits else 0)
    if filler:
        return DatePart("filler", index, filler[1])
    return DatePart("other", index, index + 1)
