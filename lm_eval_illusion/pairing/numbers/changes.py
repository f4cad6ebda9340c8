"""Distractors of numbers and dates: another value in the same format, in every language at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from lm_eval_illusion.matching.dates import date_forms
from lm_eval_illusion.pairing.numbers.agreement import endings_fit, is_decade, plural_fits, rewritten
from lm_eval_illusion.pairing.numbers.date_ranges import clock_limits, date_limits
from lm_eval_illusion.pairing.numbers.spans import Number, free_numbers, numbers_of

LATEST_YEAR = 2025
NEAR, FARTHER = 12, 40
"""Steps from the truth within which values are looked for; farther, if too few are found near."""

Answers = Mapping[str, str]
"""Language -> answer."""


@dataclass(frozen=True)
class Changeable:
    """A number that stands once in the answer of every language, as it is written in each.

    `others`: the other numbers of the answers, which stay.
    """

    answers: Answers
    written: dict[str, Number]
    others: frozenset[int]

    @property
    def digits(self) -> str:
        """As ASCII, without marks."""
        return next(iter(self.written.values())).digits

    @property
    def value(self) -> int:
        """The digits as a whole number: 55.1 is 551."""
        return int(self.digits)

    @property
    def is_year(self) -> bool:
        """Four digits without marks in every language, of a year that has been."""
        is_plain = all(number.is_plain for number in self.written.values())
        return is_plain and len(self.digits) == 4 and 1000 <= self.value <= LATEST_YEAR

    def with_value(self, value: int) -> dict[str, str]:
        """The answers with another value, its digits in the same script and between the same marks."""
        return {lang: rewritten(answer, self.written[lang], value, lang) for lang, answer in self.answers.items()}


def find_changeable(answers: Answers) -> Iterator[Changeable]:
    """The numbers that stand exactly once in every language's answer and are free there, the longest first, the later of two first."""
    found = {lang: numbers_of(answer) for lang, answer in answers.items()}
    free = {lang: free_numbers(answer, lang) for lang, answer in answers.items()}
    first = [number.digits for number in next(iter(free.values()))]
    for digits in sorted(dict.fromkeys(first), key=lambda one: (-len(one), -first.index(one))):
        once = all([number.digits for number in numbers].count(digits) == 1 for numbers in found.values())
        written = {lang: number for lang, numbers in free.items() for number in numbers if number.digits == digits}
        if once and len(written) == len(answers):
            others = frozenset(int(n.digits) for numbers in found.values() for n in numbers if n.digits != digits)
            yield Changeable(answers, written, others)


def possible_values(
    number: Changeable, wanted: frozenset[int], truths: Iterable[int] = (), keep_plural: bool = True
) -> list[int]:
    """Values near the true one that read as naturally: as many digits and trailing zeros, the same order beside the answer's other
    numbers, the same endings and (`keep_plural`) plural form, a day that its month has, no year to come.

    `wanted` are taken however far they are; `truths`, the true values of other questions, if they are near, so that a value is not known
    for a true one by coming again.
    """
    fits = _limits(number, keep_plural)
    values: list[int] = []
    for reach in (NEAR, FARTHER):
        for unit in _units(number):
            # A number like 2000 has no neighbours as round as itself.
            steps = _steps(number, unit, reach)
            near = {number.value + step * sign for step in steps for sign in (1, -1)}
            near |= {truth for truth in truths if abs(truth - number.value) <= steps[-1]}
            values = sorted(v for v in near | wanted if v != number.value and v % unit == 0 and fits(v))
            if ranks(values, number.value):
                return values
    return values


def ranks(values: list[int], truth: int) -> list[int]:
    """The places (0-3) that the truth can take among four of these values in order."""
    below = sum(value < truth for value in values)
    above = len(values) - below
    return [rank for rank in range(4) if rank <= below and 3 - rank <= above]


def draw_values(values: list[int], truth: int, rank: int, wanted: frozenset[int], rng: random.Random) -> list[int]:
    """Three values, `rank` of them below the truth: wanted ones first, then near ones, not always the nearest."""
    drawn: list[int] = []
    for count, side in ((rank, [v for v in values if v < truth]), (3 - rank, [v for v in values if v > truth])):
        side.sort(key=lambda value: (value not in wanted, abs(value - truth)))
        ahead = [value for value in side if value in wanted][:count]
        rest = [value for value in side if value not in ahead][: max(6, count)]
        drawn += ahead + rng.sample(rest, count - len(ahead))
    return drawn


def _units(number: Changeable) -> list[int]:
    """Steps as round as the number, then less round: 1900s by centuries, 1980s by tens and never less, the year 1900 by ones."""
    zeros = len(number.digits) - len(number.digits.rstrip("0")) if number.value else 0
    powers = [10**power for power in range(zeros, -1, -1)]
    if not zeros or not number.is_year:
        return powers
    if any(is_decade(number.answers[lang], written, lang) for lang, written in number.written.items()):
        return powers[:-1]
    # A decade without an ending (miaka ya 1980) has a word for it in every language; neither end of a span of years is one.
    is_bare = any(_is_bare_year(answer, lang) for lang, answer in number.answers.items())
    return [1] if is_bare or any(1000 <= other <= LATEST_YEAR for other in number.others) else [10]


def _is_bare_year(answer: str, lang: str) -> bool:
    return not any(map(str.isalpha, answer)) or bool(date_forms(answer, lang))


def _steps(number: Changeable, unit: int, reach: int) -> list[int]:
    """Distances from the truth: one unit and more, or of a long number up to about a third."""
    units = number.value // unit
    if number.is_year and unit > 1:
        reach = NEAR
    return [unit * (times if number.is_year or units < 100 else units * times // 37) for times in range(1, reach + 1)]


def _limits(number: Changeable, keep_plural: bool) -> Callable[[int], bool]:
    below = {other for other in number.others if other < number.value}
    above = {other for other in number.others if other > number.value}
    rules = [rule for lang in number.answers for rule in _rules_in(number, lang, keep_plural)]

    def fits(value: int) -> bool:
        digits = str(value).zfill(len(number.digits))
        same_shape = value > 0 and len(digits) == len(number.digits) and (digits[0] != "0" or number.digits[0] == "0")
        in_order = all(value > other for other in below) and all(value < other for other in above)
        not_to_come = not number.is_year or value <= LATEST_YEAR
        return same_shape and in_order and not_to_come and all(rule(value) for rule in rules)

    return fits


def _rules_in(number: Changeable, lang: str, keep_plural: bool) -> Iterator[Callable[[int], bool]]:
    answer, written = number.answers[lang], number.written[lang]
    yield endings_fit(answer, written, lang)
    exists = date_limits(answer, written, lang)
    yield exists or clock_limits(answer, written, lang)
    if keep_plural and not exists and not number.is_year:
        yield plural_fits(answer, written, lang)
