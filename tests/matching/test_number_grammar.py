"""The grammar of numbers: which numerals may follow each other, and what they add up to."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lm_eval_illusion.languages.record import NumberWords
from lm_eval_illusion.matching.number_grammar import JOINER, POINT, Numeral, total, with_numerals

ENGLISH = NumberWords()


def value(numbers, given=ENGLISH):
    """Return the value of cardinals (numbers) and multipliers (negative numbers), None if they are no number."""
    numerals = [
        number if isinstance(number, Numeral) else Numeral("multiplier" if number < 0 else "cardinal", Decimal(abs(number)))
        for number in numbers
    ]
    reading = with_numerals((), False, numerals, given)
    return reading and total(reading.parts)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([40, 2], 42),
        ([2, -100, 40, 2], 242),
        ([2, -100, -1000, 5], 200_005),
        ([3, -1_000_000, 2, -100, -1000], 3_200_000),
        # mil millones: a multiplier of a multiplier
        ([-1000, -1_000_000], 10**9),
        ([2, POINT, 0, 5], Decimal("2.05")),
        ([2, POINT, 5, -1000], 2500),
        # not in any number
        ([2, 40], None),
        ([2, 3], None),
        ([20, 10], None),
        ([3, -1000, 2, -1_000_000, 5, -1_000_000], None),
    ],
)
def test_sums_by_hand(numbers, expected):
    assert value(numbers) == expected


def test_ones_before_tens_need_a_joiner():
    german = NumberWords(ones_first=True)
    assert value([2, JOINER, 40], german) == 42
    assert value([3, -100, 2, JOINER, 40], german) == 342
    assert value([2, 40], german) is None
    assert value([2, JOINER, 40]) is None


def test_teens_after_sixty():
    assert value([60, 11], NumberWords(teens_after=(60, 80))) == 71
    assert value([60, 11]) is None


def test_a_multiplier_before_its_factor():
    swahili = NumberWords(multiplier_first=True, open_ten=True)
    assert value([-1000, 2, JOINER, -100, 3], swahili) == 2300
    assert value([-1000, 10, JOINER, 2], swahili) == 12_000
    assert value([-1000, -100, 2], swahili) == 200_000


def test_years_of_two_numbers():
    assert value([19, 90, 9], NumberWords(pairs=True)) == 1999
    assert value([19, 90, 9]) is None
