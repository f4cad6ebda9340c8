"""Changes of drawn values until how often the file has a value tells nothing."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from lm_eval_illusion.pairing.numbers.use_balance import Pool, balance_uses


def pool(values, row, preferred=()):
    """A question of which only the values tell anything: the texts all look alike."""
    return Pool(list(values), list(row), frozenset(preferred), np.zeros((1, len(values))), {"en": [f"{v}" for v in values]})


def options(pools, rows):
    return [[one.values[0], *(one.values[index] for index in row)] for one, row in zip(pools, rows, strict=True)]


def shares(fours, others=()):
    times = Counter(value for four in fours for value in four) + Counter(others)
    found = []
    for sign in (1, -1):
        uses = [[sign * times[value] for value in four] for four in fours]
        found.append(sum((use[0] == max(use)) / use.count(max(use)) for use in uses) / len(fours))
    return found


def repeated_years():
    """200 questions with one of twelve years as the answer, each beside years that no other question has."""
    years = [1900 + 7 * number for number in range(12)]
    pools = []
    for index in range(200):
        truth = years[(index * index) % 7 + index % 6]
        near = [truth + step for step in (-3, -2, -1, 1, 2, 3)]
        far = [year for year in years if year != truth and abs(year - truth) < 40]
        row = [3, 4, 5] if index % 2 else [2, 3, 4]
        pools.append(pool([truth, *near, *far], row))
    return pools


def test_the_most_and_the_least_used_value_are_right_by_chance():
    pools = repeated_years()
    drawn = options(pools, [one.row for one in pools])
    assert shares(drawn)[0] > 0.9
    fours = options(pools, balance_uses([pools], [], 0))
    assert shares(fours) == pytest.approx([0.25, 0.25], abs=0.03)
    for before, after in zip(drawn, fours, strict=True):
        assert len(set(after)) == 4
        # The true value keeps its rank.
        assert sum(value < after[0] for value in after) == sum(value < before[0] for value in before)
    assert fours == options(pools, balance_uses([pools], [], 0))


def test_options_of_other_questions_count():
    pools = [pool([100 + 10 * n, *range(101 + 10 * n, 110 + 10 * n)], [1, 2, 3]) for n in range(40)]
    # Each true value is an option elsewhere, and so are some of the values that could be drawn.
    others = [str(100 + 10 * n + step) for n in range(40) for step in (0, 0, 5, 5, 5)]
    assert shares(options(pools, [one.row for one in pools]), map(int, others))[0] == 1
    fours = options(pools, balance_uses([pools], [{"en": text} for text in others], 0))
    assert shares(fours, map(int, others))[0] == pytest.approx(0.25, abs=0.03)


def test_values_of_the_passage_stay():
    pools = [pool([50, 48, 49, 51, 52, 53, 54], [2, 3, 4], {49, 51})] * 30
    for four in options(pools, balance_uses([pools], [], 0)):
        assert {49, 51} <= set(four)
