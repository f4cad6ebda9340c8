"""Distractors of numbers and dates: another value in the same format, in every language at once."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

LATEST_YEAR = 2025
MOST_DIGITS = 15
"""A longer number is a code, and nobody would tell it from another one."""
# Digits of any script, with single marks or spaces before three more: one number as it is written.
_NUMBER = re.compile(r"\d{1,3}(?:[.,٬\u00a0\u202f ’']\d{3}(?!\d))+(?:[.,٫]\d+)?|\d+(?:[.,٫]\d+)?")

Answers = Mapping[str, str]
"""Language -> answer."""


@dataclass(frozen=True)
class Changeable:
    """A number that stands once in the answer of every language: its digits, and where it stands in each.

    `digits`: as ASCII, without marks. `others`: the other numbers of the answer, which stay.
    """

    digits: str
    spans: dict[str, tuple[int, int]]
    others: frozenset[int]

    @property
    def value(self) -> int:
        """The digits as a whole number: 55.1 is 551."""
        return int(self.digits)

    @property
    def zeros(self) -> int:
        """How many zeros it ends with; a year is as good as its neighbours unless it ends a century."""
        zeros = len(self.digits) - len(self.digits.rstrip("0")) if self.value else 0
        return 0 if self.is_year and zeros == 1 else zeros

    @property
    def is_year(self) -> bool:
        """Four digits, of a year that has been."""
        return len(self.digits) == 4 and 1000 <= self.value <= LATEST_YEAR


def find_changeable(answers: Answers) -> Changeable | None:
    """The longest number that stands exactly once in every language's answer, if there is one; the later of two."""
    found = {lang: _numbers(answer) for lang, answer in answers.items()}
    first = next(iter(found.values()))
    common = [digits for digits in first if all(numbers.count(digits) == 1 for numbers in map(list, found.values()))]
    common = [digits for digits in common if len(digits) <= MOST_DIGITS]
    common = [digits for digits in common if all(len(_spans(answers[lang], digits)) == 1 for lang in answers)]
    if not common:
        return None
    digits = max(common, key=lambda one: (len(one), first.index(one)))
    others = frozenset(int(other) for numbers in found.values() for other in numbers if other != digits)
    return Changeable(digits, {lang: _spans(answer, digits)[0] for lang, answer in answers.items()}, others)


def changed(answers: Answers, number: Changeable, value: int) -> dict[str, str]:
    """The answers with another value, its digits in the same script and between the same marks."""
    digits = str(value).zfill(len(number.digits))
    return {lang: _rewritten(answer, number.spans[lang], digits) for lang, answer in answers.items()}


def possible_values(answers: Answers, number: Changeable, wanted: frozenset[int], truths: Iterable[int] = ()) -> list[int]:
    """Values near the true one that read as naturally: as many digits and trailing zeros, the same order beside the answer's other
    numbers, the same plural form, no year to come. `wanted` are taken however far they are; `truths`, the true values of other
    questions, if they are near, so that a value is not known for a true one by coming again.
    """
    allowed = _limits(answers, number)
    for unit in (10**number.zeros, 1):
        # A number like 2000 has no neighbours as round as itself.
        steps = _steps(number, unit)
        near = {number.value + step * sign for step in steps for sign in (1, -1)}
        near |= {truth for truth in truths if abs(truth - number.value) <= steps[-1]}
        values = sorted(v for v in near | wanted if v != number.value and v % unit == 0 and allowed(v))
        if ranks(values, number.value):
            break
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


def numbers_in(text: str) -> frozenset[str]:
    """The digits of every number in a text."""
    return frozenset(_numbers(text))


def _numbers(text: str) -> list[str]:
    return [_ascii(match.group()) for match in _NUMBER.finditer(text)]


def _spans(text: str, digits: str) -> list[tuple[int, int]]:
    return [match.span() for match in _NUMBER.finditer(text) if _ascii(match.group()) == digits]


def _ascii(number: str) -> str:
    return "".join(str(int(character)) for character in number if character.isdecimal())


def _rewritten(answer: str, span: tuple[int, int], digits: str) -> str:
    left = iter(digits)
    number = "".join(_in_script_of(c, next(left)) if c.isdecimal() else c for c in answer[span[0] : span[1]])
    return answer[: span[0]] + number + answer[span[1] :]


def _in_script_of(old: str, digit: str) -> str:
    # Every script's digits stand in a row, from zero to nine.
    return chr(ord(old) - int(old) + int(digit))


def _steps(number: Changeable, unit: int) -> list[int]:
    """Distances from the truth: one to twelve units, or of a long number up to about a third."""
    units = number.value // unit
    return [unit * (times if number.is_year or units < 100 else round(units * times / 37)) for times in range(1, 13)]


def _limits(answers: Answers, number: Changeable) -> Callable[[int], bool]:
    text = " ".join(answers.values())
    below = {other for other in number.others if other < number.value}
    above = {other for other in number.others if other > number.value}
    most = _most(number, text)
    plurals = _plural_forms(answers, number)

    def allowed(value: int) -> bool:
        digits = str(value).zfill(len(number.digits))
        same_shape = value > 0 and len(digits) == len(number.digits)
        in_order = all(value > other for other in below) and all(value < other for other in above)
        return same_shape and (digits[0] != "0" or number.digits[0] == "0") and in_order and value <= most and plurals(value)

    return allowed


def _most(number: Changeable, text: str) -> float:
    if re.search(r"\d:\d\d", text) and number.value < 60:
        return 59
    if re.search("[%％٪]", text) and number.value <= 100:
        return 100
    if number.is_year:
        return LATEST_YEAR
    if re.search(r"\d{4}", text) and number.value <= 31:
        return 28  # a day within a date
    return float("inf")


def _plural_forms(answers: Answers, number: Changeable) -> Callable[[int], bool]:
    """Whether a value needs the word beside it in the form it has: 1 mile, 2 miles; 21 год, 22 года."""
    from babel import Locale

    forms = [Locale.parse(lang).plural_form for lang, answer in answers.items() if any(map(str.isalpha, answer))]
    truth = [form(Decimal(number.value)) for form in forms]
    return lambda value: [form(Decimal(value)) for form in forms] == truth
