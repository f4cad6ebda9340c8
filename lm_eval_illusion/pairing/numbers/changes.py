"""Other values for a number in an answer: in the same format, the same in every language, as plausible as the true value."""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from lm_eval_illusion.matching.dates.answers import date_of
from lm_eval_illusion.pairing.numbers.agreement import is_decade, plural_fits, rewritten, suffix_fits
from lm_eval_illusion.pairing.numbers.date_ranges import date_limits, greatest_value
from lm_eval_illusion.pairing.numbers.number_words import reads_well, spelled_numbers
from lm_eval_illusion.pairing.numbers.roman_centuries import is_roman, roman_centuries, with_roman_century
from lm_eval_illusion.pairing.numbers.spans import MOST_DIGITS, Number, ValueTest, free_numbers, numbers_of

LATEST_YEAR = 2025
"""The latest value beside a past year; beside a later one, years up to the end of `YEARS` are as plausible."""
YEARS = range(1000, 2101)
"""Numbers that may be years."""
LAST_HOUR, LAST_MINUTE = 23, 59
NEAR, FARTHER = 12, 40
"""Steps from the true value within which other values are searched: first NEAR, then FARTHER if too few are found."""
MOST_TRUE_VALUES = 30
"""True values of other questions that are allowed on either side: the nearest ones."""
MOST_SHARED = 6
"""Farther values on either side that are true values of other questions, which may replace drawn ones."""
DRAWN_FROM = 6
"""Values on either side of the true one, besides those of the passage, from which a draw takes its values."""

_CLOCK = re.compile(r"(?:[01]?\d|2[0-3])[.,٫][0-5]\d")

Answers = Mapping[str, str]
"""Language -> answer."""


@dataclass(frozen=True)
class ChangeableNumber:
    """A number that occurs once in the answer of every language and can be changed alone in each.

    Attributes:
        answers: The answer in each language.
        written: The number as it is written in the answer of each language.
        others: The other numbers of the answers, which stay.
    """

    answers: Answers
    written: dict[str, Number]
    others: frozenset[int]

    @cached_property
    def digits(self) -> str:
        """Its digits as ASCII, without marks; the digits of its value if it is written in words."""
        return next(iter(self.written.values())).digits

    @cached_property
    def value(self) -> int:
        """Its digits as a whole number: 55.1 is 551."""
        return int(self.digits)

    @cached_property
    def is_year(self) -> bool:
        """Whether it is a year: four digits without marks in every language."""
        is_plain = all(number.is_plain for number in self.written.values())
        return is_plain and len(self.digits) == 4 and self.value in YEARS

    def with_value(self, value: int) -> dict[str, str]:
        """Return the answers (language -> answer) with another value, its digits in the same script and between the same marks."""
        return {lang: rewritten(answer, self.written[lang], value, lang) for lang, answer in self.answers.items()}


class TrueValues:
    """The true values of questions, in order, so that the near ones are found without going through all."""

    def __init__(self, values: Iterable[int]) -> None:
        self._values = frozenset(values)
        self._of_unit = {1: sorted(self._values)}

    def __contains__(self, value: int) -> bool:
        return value in self._values

    def near(self, value: int, distance: int, unit: int) -> set[int]:
        """Return the multiples of a unit up to a distance from a value, at most MOST_TRUE_VALUES on either side, the nearest ones."""
        if unit not in self._of_unit:
            self._of_unit[unit] = [multiple for multiple in self._of_unit[1] if multiple % unit == 0]
        multiples = self._of_unit[unit]
        first, end = bisect_left(multiples, value - distance), bisect_right(multiples, value + distance)
        below, above = bisect_left(multiples, value), bisect_right(multiples, value)
        return set(multiples[max(first, below - MOST_TRUE_VALUES) : min(end, above + MOST_TRUE_VALUES)])


def find_changeable(answers: Answers) -> Iterator[ChangeableNumber]:
    """Yield the numbers that occur once in the answer of every language and can be changed there: long ones first, then later ones.

    In one language alone a number may occur again, as in 1월 1일: its last occurrence is changed. In several languages, equal numbers may
    stand in another order.
    """
    spelled = {lang: [*spelled_numbers(answer, lang), *roman_centuries(answer, lang)] for lang, answer in answers.items()}
    found = {lang: [*numbers_of(answer), *spelled[lang]] for lang, answer in answers.items()}
    free = {lang: [*free_numbers(answer, lang), *spelled[lang]] for lang, answer in answers.items()}
    counts = [Counter(number.digits for number in numbers) for numbers in found.values()]
    later_first = list(dict.fromkeys(number.digits for number in next(iter(free.values()))))[::-1]
    for digits in sorted(later_first, key=lambda candidate: -len(candidate)):
        once = len(answers) == 1 or all(count[digits] == 1 for count in counts)
        written = {lang: number for lang, numbers in free.items() for number in numbers if number.digits == digits}
        if once and len(written) == len(answers):
            all_digits = {other.digits for numbers in found.values() for other in numbers}
            # The numbers below and above the changed one matter only; `int` refuses thousands of digits.
            others = frozenset(int(other) for other in all_digits - {digits} if len(other) <= MOST_DIGITS)
            yield ChangeableNumber(answers, written, others)


def possible_values(
    number: ChangeableNumber,
    preferred: frozenset[int],
    true_values: TrueValues | None = None,
    keep_plural: bool = True,
    is_date: bool = False,
) -> list[int]:
    """Return values near the true one that are as plausible, in ascending order.

    They have as many digits and trailing zeros as the true value, keep the order of the numbers in the answer, take the same suffixes,
    and give no impossible date and no year in the future.

    Args:
        number: The number to change.
        preferred: Values that are allowed at any distance.
        true_values: The true values of other questions, allowed if they are near. Otherwise a value that occurs
            as a distractor and in another question could be recognised as the true one there.
        keep_plural: Require the same plural form of the word beside the number.
        is_date: The answer is a date or a time.
    """
    fits = _limits(number, keep_plural, is_date)
    true_values = true_values or TrueValues(())
    values: list[int] = []
    for max_steps in (NEAR, FARTHER):
        for unit in _units(number):
            # A number like 2000 has no neighbours that are as round.
            steps = _steps(number, unit, max_steps)
            near = {number.value + step * sign for step in steps for sign in (1, -1)}
            near |= true_values.near(number.value, _steps(number, unit, FARTHER)[-1], unit)
            near = near | preferred if unit == 1 else {v for v in near | preferred if v % unit == 0}
            values = sorted(filter(fits, near - {number.value}))
            if ranks(values, number.value):
                return values
    return values


def drawable(
    values: list[int],
    truth: int,
    preferred: frozenset[int],
    is_valid: Callable[[int], bool],
    true_values: TrueValues | None = None,
) -> list[int]:
    """Return the valid values that `draws.draw` can draw, and farther ones that may replace them, in ascending order.

    On either side these are at most 3 preferred ones, DRAWN_FROM others, and MOST_SHARED farther ones that are true values of other
    questions. The result of a draw is the same as from all valid values, but fewer are tested.
    """
    found: list[int] = []
    for side in by_side(values, truth, preferred):
        most = DRAWN_FROM + min(3, sum(value in preferred for value in side)) if preferred else DRAWN_FROM
        rest = iter(side)
        found += islice(filter(is_valid, rest), most)
        if true_values is not None:
            found += islice(filter(is_valid, filter(true_values.__contains__, rest)), MOST_SHARED)
    return sorted(found)


def by_side(values: Sequence[int], truth: int, preferred: frozenset[int]) -> tuple[list[int], list[int]]:
    """Return the values below and above the true one in the order in which they are drawn: preferred ones first, then near ones."""
    ordered = sorted(values, key=lambda value: (value not in preferred, abs(value - truth)))
    return [value for value in ordered if value < truth], [value for value in ordered if value > truth]


def ranks(values: list[int], truth: int) -> list[int]:
    """Return the ranks (0 to 3) that the true value can have among itself and three of these values, in ascending order."""
    below = sum(value < truth for value in values)
    above = len(values) - below
    return [rank for rank in range(4) if rank <= below and 3 - rank <= above]


def _units(number: ChangeableNumber) -> list[int]:
    """Return step sizes, the roundest first: centuries for 1900s, tens and nothing smaller for 1980s, ones for the year 1900."""
    zeros = len(number.digits) - len(number.digits.rstrip("0")) if number.value else 0
    powers = [10**power for power in range(zeros, -1, -1)]
    if not zeros or not number.is_year:
        return powers
    if any(is_decade(number.answers[lang], written, lang) for lang, written in number.written.items()):
        return powers[:-1]
    # A decade without a suffix (miaka ya 1980) has a word beside it in every language; the ends of a range of years are no decades.
    is_bare = any(_is_bare_year(answer, lang) for lang, answer in number.answers.items())
    return [1] if is_bare or any(other in YEARS for other in number.others) else [10]


def _is_bare_year(answer: str, lang: str) -> bool:
    return not any(map(str.isalpha, answer)) or date_of(answer, lang) is not None


def _steps(number: ChangeableNumber, unit: int, max_steps: int) -> list[int]:
    """Return distances from the true value: 1 to `max_steps` units, or larger steps for a number of many units."""
    units = number.value // unit
    if number.is_year and unit > 1:
        max_steps = NEAR
    return [unit * (times if number.is_year or units < 100 else units * times // 37) for times in range(1, max_steps + 1)]


def _limits(number: ChangeableNumber, keep_plural: bool, is_date: bool) -> ValueTest:
    """Return a function that tests whether a value keeps the shape of the number, the order of the numbers, and the rules of its texts."""
    truth, length = number.value, len(number.digits)
    others_below = (other + 1 for other in number.others if other < truth)
    others_above = (other - 1 for other in number.others if other > truth)
    least = max(1, 10 ** (length - 1) if number.digits[0] != "0" else 1, *others_below)
    latest = math.inf if not number.is_year else LATEST_YEAR if truth <= LATEST_YEAR else YEARS[-1]
    texts = [(answer, number.written[lang], lang) for lang, answer in number.answers.items()]
    most = min(10**length - 1, latest, *others_above)
    rules: list[ValueTest] = []
    for answer, written, lang in texts:
        exists = None if written.is_spelled else date_limits(answer, written, lang)
        found = [exists, _text_rule(answer, written, lang)]
        if exists is None:
            most = min(most, greatest_value(answer, written, lang))
            # "Three mile" in digits is a small fault, in words a glaring one.
            if written.is_spelled or (keep_plural and not number.is_year):
                found.append(plural_fits(answer, written, lang))
            if is_date and not written.is_spelled:
                found.append(_clock_limit(answer, written))
        rules += [rule for rule in found if rule is not None]
    if not rules:
        return lambda value: least <= value <= most
    return lambda value: least <= value <= most and all(rule(value) for rule in rules)


def _clock_limit(answer: str, written: Number) -> ValueTest | None:
    """Return a function that tests whether a value may be a time of day where the number is one; None where it can't be one.

    14.30 is one in an answer that is a date or a time. A first number up to 23 may be an hour, and a later one up to 59 may be minutes:
    ore 21, 18 h 30. Other small numbers, as years BC, lose nothing by these limits.
    """
    value, is_first = int(written.digits), not any(map(str.isdecimal, answer[: written.start]))
    if _CLOCK.fullmatch(answer[written.start : written.end]):
        return lambda other: other // 100 <= LAST_HOUR and other % 100 <= LAST_MINUTE
    last = LAST_HOUR if is_first else LAST_MINUTE
    return (lambda other: other <= last) if value <= last else None


def _text_rule(answer: str, written: Number, lang: str) -> ValueTest | None:
    """Return a function that tests whether the text of an answer can be written with a value; None if it can with every one."""
    if not written.is_spelled:
        return suffix_fits(answer, written, lang)
    if is_roman(answer, written):
        return lambda value: with_roman_century(answer, written, value) is not None
    return reads_well(answer, written, lang)
