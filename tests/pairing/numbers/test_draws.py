"""The draws of three values, and how often a cue finds the true one in each."""

from __future__ import annotations

import random
from itertools import combinations

import numpy as np
import pytest

from lm_eval_illusion.pairing.numbers.draws import DRAWS, Drawn, draw, excess_of
from lm_eval_illusion.pairing.numbers.number_cues import CUES, number_scores

TRUTH = 100


def rows_of(drawn):
    return [tuple(drawn.values[index] for index in row) for row in drawn.rows.tolist()]


@pytest.mark.parametrize("rank", range(4))
@pytest.mark.parametrize("preferred", [frozenset(), frozenset({70, 131}), frozenset(range(60, 140, 3))])
def test_each_draw_has_the_rank_and_takes_preferred_values_first(rank, preferred):
    values = [value for value in range(60, 140) if value != TRUTH]
    drawn = draw(values, TRUTH, rank, preferred, random.Random(0))
    assert drawn.values[0] == TRUTH
    assert drawn.rows.shape == (DRAWS, 3)
    for row in rows_of(drawn):
        assert len(set(row)) == 3
        assert sum(value < TRUTH for value in row) == rank
        for side, count in ((range(TRUTH), rank), (range(TRUTH + 1, 200), 3 - rank)):
            first = [value for value in sorted(preferred, key=lambda value: abs(value - TRUTH)) if value in side][:count]
            assert set(first) <= set(row)
            # The others are among the six nearest.
            nearest = sorted((v for v in values if v in side and v not in first), key=lambda value: abs(value - TRUTH))[:6]
            assert {value for value in row if value in side} <= {*first, *nearest}


def test_draws_differ_and_every_draw_is_possible():
    values = [value for value in range(90, 111) if value != TRUTH]
    possible = {(below, *above) for below in range(94, 100) for above in combinations(range(101, 107), 2)}
    seen = set()
    for seed in range(40):
        rows = {tuple(sorted(row)) for row in rows_of(draw(values, TRUTH, 1, frozenset(), random.Random(seed)))}
        assert len(rows) == DRAWS
        seen |= rows
    assert seen == possible


def test_few_possible_draws_are_repeated():
    drawn = draw([99, 101, 102], TRUTH, 1, frozenset(), random.Random(0))
    assert set(rows_of(drawn)) == {(99, 101, 102)}
    assert len(drawn.rows) == DRAWS


def test_the_excess_is_that_of_each_draw_alone():
    rng = np.random.default_rng(0)
    drawn, surface = [], []
    for count in (4, 6, 9):
        rows = np.array([rng.permutation(np.arange(1, count))[:3] for _ in range(DRAWS)])
        drawn.append(Drawn([int(value) for value in rng.integers(1, 1000, count)], rows))
        surface.append(rng.integers(0, 3, (2, count)).astype(float))
    excess = excess_of(drawn, surface)
    assert excess.shape == (3, DRAWS, 2 + len(CUES))
    for one, texts, of_question in zip(drawn, surface, excess, strict=True):
        for row, found in zip(one.rows, of_question, strict=True):
            places = [0, *row]
            scores = [*texts[:, places], *number_scores(np.array(one.values)[places])]
            hits = [(score[0] == max(score)) / np.count_nonzero(score == max(score)) for score in scores]
            np.testing.assert_allclose(found, np.array(hits) - 0.25)
