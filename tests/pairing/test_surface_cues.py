"""Surface cues: the scores by hand, and an exchange of donors that reveals less and keeps the rules."""

from __future__ import annotations

import math
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_eval_illusion.pairing.assignment import FORBIDDEN, assign_donors
from lm_eval_illusion.pairing.surface_cues import (
    COST_LIMITS,
    answer_hits,
    balance_surface_cues,
    count_characters,
    surface_scores,
)


def test_characters_are_counted_in_each_language():
    counts = count_characters([{"en": "abba", "de": "a"}, {"en": "b"}])
    assert counts == {"en": Counter("abbab"), "de": Counter("a")}


def test_scores_by_hand():
    # Of 3 characters + 1: "a" has probability 2/4, "b" 1/4, an unseen character 1/4 as well.
    scores = surface_scores(["ab", "x"], Counter("aab"))
    expected = [[2, 1], [-2, -1], [math.log(1 / 8), math.log(1 / 4)], [math.log(1 / 8) / 2, math.log(1 / 4)]]
    assert scores == pytest.approx(np.array(expected))


@pytest.mark.parametrize(
    ("scores", "hit"),
    [([3, 1, 2, 0], 1), ([1, 3, 2, 0], 0), ([3, 3, 2, 0], 1 / 2), ([3, 3, 3, 3], 1 / 4), ([-1, -2, -1, -1], 1 / 3)],
)
def test_the_hit_of_a_guess_is_shared_in_a_tie(scores, hit):
    assert answer_hits(np.array([scores], dtype=float)) == pytest.approx([hit])


def balanced(n, seed, balanced_rows=None, costs=None):
    """Rows before and after the exchange, the scores and the overlaps. The answers have random lengths."""
    rng = np.random.default_rng(seed)
    costs, overlaps = rng.random((n, n)) / 10 if costs is None else costs, np.eye(n, dtype=bool)
    np.fill_diagonal(costs, FORBIDDEN)
    overlaps[0, 1] = overlaps[1, 0] = True
    lengths = rng.integers(1, 30, n).astype(float)
    scores = np.stack([lengths, -lengths])
    before = assign_donors(costs, overlaps)
    after = [list(donors) for donors in before]
    selected = range(n) if balanced_rows is None else balanced_rows
    balance_surface_cues(after, selected, scores, costs, overlaps, random.Random(seed))
    return before, after, scores, overlaps


def shares(rows, scores, selected):
    """For each cue the share of rows in which it finds the answer."""
    return np.mean([answer_hits(scores[:, [row, *rows[row]]]) for row in selected], axis=0)


@settings(max_examples=20)
@given(st.integers(8, 40), st.integers(0, 1000))
def test_an_exchange_keeps_the_rules_and_reveals_no_more(n, seed):
    before, after, scores, overlaps = balanced(n, seed)
    assert Counter(d for donors in after for d in donors) == Counter(d for donors in before for d in donors)
    for row, donors in enumerate(after):
        assert row not in donors
        assert not any(overlaps[a, b] for index, a in enumerate(donors) for b in donors[:index])
    distance = [((shares(rows, scores, range(n)) - 0.25) ** 4).sum() for rows in (before, after)]
    assert distance[1] <= distance[0] + 1e-12


def test_each_cue_finds_the_answer_in_a_quarter_of_the_rows():
    _, after, scores, _ = balanced(80, 0)
    assert shares(after, scores, range(80)) == pytest.approx([0.25, 0.25], abs=0.02)


def test_only_the_selected_rows_are_balanced():
    selected, others = range(40), range(40, 80)
    before, after, scores, _ = balanced(80, 0, selected)
    assert shares(after, scores, selected) == pytest.approx([0.25, 0.25], abs=0.02)
    assert shares(before, scores, selected) != pytest.approx([0.25, 0.25], abs=0.02)
    assert any(before[row] != after[row] for row in others), "other rows take part in an exchange"


def test_no_exchange_costs_more_than_the_limit():
    # Questions of even and odd index: a donor of the other kind costs more than the highest limit.
    kind = np.arange(40) % 2
    costs = max(COST_LIMITS) * (kind[:, None] != kind[None, :]) + np.random.default_rng(0).random((40, 40)) / 10
    before, after, _, _ = balanced(40, 0, costs=costs)
    assert before != after
    assert all(kind[donor] == kind[row] for row, donors in enumerate(after) for donor in donors)


def test_without_selected_rows_nothing_changes():
    before, after, _, _ = balanced(10, 0, [])
    assert before == after
