"""The assignment of donors: low cost, each answer about equally often, and a fitting answer rather than a stranger."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from lm_eval_illusion.pairing.donors.assignment import DISTRACTORS, HIGHEST_PRICE, USE_PRICE, Uses, assign
from lm_eval_illusion.pairing.donors.pair_costs import STRANGER_WEIGHT

ALONE = 1e6


def assigned(costs, right=None):
    """The donors of each question, [n, 3], for costs [n, donors]; infinite where a donor is forbidden."""
    order = np.argsort(costs, axis=1, kind="stable")
    right = np.ones(costs.shape[1], dtype=np.intp) if right is None else np.array(right)
    draws = np.random.RandomState(0).randint(0, 2**63, len(costs), dtype=np.uint64)
    columns = assign(np.take_along_axis(costs, order, axis=1).astype(np.float32), order, right, draws)
    return np.take_along_axis(order, columns, axis=1)


def total(costs, donors):
    return float(np.take_along_axis(costs, donors, axis=1).sum())


def least_total(costs):
    """An optimal assignment in three rounds, each of which uses every donor once."""
    remaining, cost = np.where(np.isfinite(costs), costs, ALONE), 0.0
    for _ in range(DISTRACTORS):
        rows, donors = linear_sum_assignment(remaining)
        cost += remaining[rows, donors].sum()
        remaining[rows, donors] = ALONE
    return float(cost)


def of_kinds(n, seed, kinds):
    """Questions of several kinds: a donor of another kind costs more. A question is not its own donor."""
    rng = np.random.RandomState(seed)
    kind, length = rng.randint(0, kinds, n), rng.rand(n) * 2
    costs = STRANGER_WEIGHT * (kind[:, None] != kind[None, :]) + abs(length[:, None] - length[None, :]) + 0.1 * rng.rand(n, n)
    np.fill_diagonal(costs, np.inf)
    return kind, costs


@settings(max_examples=20)
@given(st.integers(4, 30), st.integers(0, 100))
def test_each_question_gets_three_different_donors_but_not_itself(n, seed):
    _, costs = of_kinds(n, seed, 3)
    for row, donors in enumerate(assigned(costs).tolist()):
        assert len(set(donors)) == DISTRACTORS
        assert row not in donors


@pytest.mark.parametrize("n", [40, 150, 300])
def test_the_cost_is_that_of_an_optimal_assignment_within_5_percent(n):
    # One kind, so that nothing is gained by lending.
    _, costs = of_kinds(n, 1, 1)
    donors = assigned(costs)
    assert total(costs, donors) <= 1.05 * least_total(costs)
    uses = np.bincount(donors.ravel(), minlength=n)
    assert uses.min() >= 2
    assert uses.max() <= 4
    assert (uses == DISTRACTORS).mean() > 0.95


def test_a_fitting_answer_is_lent_more_often_before_a_stranger_is_taken():
    # Four questions of one kind among forty that fit nobody: the four lend to each other, which is three uses each.
    # A fifth question of their kind whose own answer is too long for them makes it more.
    kind = np.array([0] * 5 + list(range(1, 41)))
    costs = STRANGER_WEIGHT * (kind[:, None] != kind[None, :]) + 0.1 * np.random.RandomState(0).rand(45, 45)
    np.fill_diagonal(costs, np.inf)
    costs[:5, 4] = np.inf
    donors = assigned(costs)
    assert (kind[donors[:5]] == 0).all()
    assert np.bincount(donors[:5].ravel(), minlength=45)[:4].max() > DISTRACTORS
    assert HIGHEST_PRICE < STRANGER_WEIGHT


def test_of_fitting_donors_the_less_used_one_is_taken():
    # Twelve questions of one kind. All find donor 0 a little cheaper, by less than one use.
    costs = np.ones((12, 12))
    costs[:, 0] -= USE_PRICE / 2
    np.fill_diagonal(costs, np.inf)
    assert np.bincount(assigned(costs).ravel(), minlength=12).max() <= DISTRACTORS + 1


def test_an_answer_that_is_right_often_is_used_more_often():
    # Donor 0 is the answer of six questions: it may be used 18 times.
    costs = np.random.RandomState(0).rand(30, 12) / 100
    uses = np.bincount(assigned(costs, [18, *[1] * 11]).ravel(), minlength=12)
    assert uses[0] == 30, "each question can take an answer once"
    assert uses[1:].max() - uses[1:].min() <= 1


def test_the_price_by_hand():
    uses = Uses(right=np.array([1, 1, 2, 0, 1]), count=np.array([3, 0, 6, 0, 100]))
    # The fourth use, the first one, the seventh of an answer that is right twice, the first of one that is never right, the 101st.
    expected = [USE_PRICE, -2 * USE_PRICE, USE_PRICE / 2, USE_PRICE, HIGHEST_PRICE]
    assert uses.price(np.arange(5)) == pytest.approx(expected)
    # Of the last use: the third one, one that is not there, the sixth, ...
    assert uses.price(np.arange(5), used=True)[[0, 2]].tolist() == [0, 0]
    assert uses.price(np.arange(5), used=True)[1] == pytest.approx(-3 * USE_PRICE)
    uses.add(np.array([[0, 1], [1, 2]]))
    assert uses.count.tolist() == [4, 2, 7, 0, 100]


def test_the_order_of_the_questions_does_not_matter():
    _, costs = of_kinds(30, 0, 2)
    order = np.argsort(costs, axis=1)
    sorted_costs, right = np.take_along_axis(costs, order, axis=1).astype(np.float32), np.ones(30, dtype=np.intp)
    draws = np.random.RandomState(1).permutation(30).astype(np.uint64)
    shuffled = np.random.RandomState(2).permutation(30)
    plain = assign(sorted_costs, order, right, draws)
    assert (assign(sorted_costs[shuffled], order[shuffled], right, draws[shuffled]) == plain[shuffled]).all()
