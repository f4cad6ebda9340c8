"""Changes of drawn values until how often the file has a value tells nothing."""

from __future__ import annotations

import random
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
    """200 questions with one of 50 years as the answer, a few far more often than others, each beside years that are no answer."""
    rng = random.Random(1)
    years = rng.sample(range(1000, 2000, 10), 50)
    pools = []
    for index in range(200):
        truth = years[int(50 * rng.random() ** 2)] + rng.randrange(2)
        near = [truth + step for step in (-4, -3, -2, 2, 3, 4)]
        far = [year for year in years if year != truth and abs(year - truth) < 80]
        below, above = rng.sample(range(1, 4), index % 4), rng.sample(range(4, 7), 3 - index % 4)
        pools.append(pool([truth, *near, *far], [*below, *above]))
    return pools


def test_the_most_and_the_least_used_value_are_right_by_chance():
    pools = repeated_years()
    drawn = options(pools, [one.row for one in pools])
    assert shares(drawn)[0] > 0.35
    fours = options(pools, balance_uses([pools], [], 0))
    assert shares(fours) == pytest.approx([0.25, 0.25], abs=0.03)
    for before, after in zip(drawn, fours, strict=True):
        assert len(set(after)) == 4
        # The true value keeps its rank.
        assert sum(value < after[0] for value in after) == sum(value < before[0] for value in before)
    assert fours == options(pools, balance_uses([pools], [], 0))


def test_options_of_other_questions_count():
    rng = random.Random(0)
    pools, others = [], []
    for n in range(80):
        truth = 1000 + 20 * n + rng.randrange(10)
        below, above = rng.sample(range(truth - 5, truth), 5), rng.sample(range(truth + 1, truth + 6), 5)
        pools.append(pool([truth, *below, *above], [*range(1, n % 4 + 1), *range(6, 9 - n % 4)]))
        # Each true value is an option elsewhere, and so are some of the values that were not drawn.
        others += [f"{value}" for value in (truth, truth, *[below[4]] * 3, *[above[4]] * 3)]
    assert shares(options(pools, [one.row for one in pools]), map(int, others))[0] == 1
    fours = options(pools, balance_uses([pools], [{"en": text} for text in others], 0))
    assert shares(fours, map(int, others))[0] == pytest.approx(0.25, abs=0.03)


def test_values_of_the_passage_stay():
    pools = [pool([50, 48, 49, 51, 52, 53, 54], [2, 3, 4], {49, 51})] * 30
    for four in options(pools, balance_uses([pools], [], 0)):
        assert {49, 51} <= set(four)
