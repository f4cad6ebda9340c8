"""Cohen's kappa and its interval against statsmodels, scikit-learn's formula, and a bootstrap of clusters."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa as of_statsmodels

from lm_eval_illusion.analysis.statistics.kappa import Z_95, cohens_kappa, kappa_interval


def pair(n, seed=0, share=0.4, same=0.8):
    rng = np.random.default_rng(seed)
    first = rng.random(n) < share
    return first, np.where(rng.random(n) < same, first, rng.random(n) < 0.5)


def table(first, second):
    return np.array([[np.sum(~first & ~second), np.sum(~first & second)], [np.sum(first & ~second), np.sum(first & second)]])


@pytest.mark.parametrize("n", [25, 80, 400])
@pytest.mark.parametrize("share", [0.1, 0.4, 0.9])
def test_kappa_and_its_interval_are_those_of_statsmodels(n, share):
    first, second = pair(n, seed=n, share=share, same=0.6)
    expected = of_statsmodels(table(first, second))
    assert cohens_kappa(first, second) == pytest.approx(expected.kappa, abs=1e-12)
    interval = kappa_interval(first, second, np.arange(n))
    # The variance has the factor n / (n - 1), as all clustered variances here.
    margin = Z_95 * expected.std_kappa * (n / (n - 1)) ** 0.5
    assert interval == pytest.approx((max(-1, expected.kappa - margin), min(1, expected.kappa + margin)), abs=1e-9)


def test_a_table_by_hand():
    # Cohen's formula: 20 both, 5 first only, 10 second only, 15 none. p_o = 35/50, p_e = (25*30 + 25*20)/2500 = 0.5.
    first = np.repeat([True, True, False, False], [20, 5, 10, 15])
    second = np.repeat([True, False, True, False], [20, 5, 10, 15])
    assert cohens_kappa(first, second) == pytest.approx(0.4)
    assert cohens_kappa(second, first) == pytest.approx(0.4)
    assert cohens_kappa(~first, ~second) == pytest.approx(0.4)


def test_kappa_is_that_of_the_weights_of_disagreement():
    # scikit-learn's way: 1 - (sum of weights x observed) / (sum of weights x expected), weights 1 off the diagonal.
    first, second = pair(60, seed=3)
    observed = table(first, second)
    expected = np.outer(observed.sum(1), observed.sum(0)) / observed.sum()
    off = 1 - np.eye(2)
    assert cohens_kappa(first, second) == pytest.approx(1 - (off * observed).sum() / (off * expected).sum(), abs=1e-12)


@pytest.mark.parametrize(("first", "second"), [([], []), ([True] * 5, [True] * 5), ([False] * 5, [False] * 5)])
def test_kappa_is_undefined_where_chance_alone_agrees(first, second):
    arrays = np.array(first, dtype=bool), np.array(second, dtype=bool)
    assert cohens_kappa(*arrays) is None
    assert kappa_interval(*arrays, np.arange(len(first))) is None


def test_one_that_never_says_yes_has_kappa_0_and_no_interval():
    # p_o = p_e whatever the other says, so the variance by the formula is 0. It does not tell how sure this is.
    first, second = np.array([True, False, False]), np.array([False, False, False])
    assert cohens_kappa(first, second) == 0
    assert kappa_interval(first, second, np.arange(3)) is None


def test_full_agreement_is_1_without_an_interval():
    first, _ = pair(30)
    assert cohens_kappa(first, first) == 1
    assert kappa_interval(first, first, np.arange(30)) is None


def test_full_disagreement():
    first = np.array([True, False] * 10)
    assert cohens_kappa(first, ~first) == -1


def test_one_cluster_has_no_interval():
    first, second = pair(30)
    assert kappa_interval(first, second, np.zeros(30, dtype=int)) is None


def test_the_interval_of_clusters_is_that_of_a_bootstrap_of_clusters():
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(150), 4)
    # Rows of a cluster are alike, so the interval is wider than of single rows.
    level, errs = rng.random(150)[clusters], rng.random(150)[clusters]
    first = rng.random(600) < level
    second = first ^ (rng.random(600) < 0.5 * errs**3)
    low, high = kappa_interval(first, second, clusters)
    by_cluster = np.array([table(first[clusters == c], second[clusters == c]) for c in range(150)])
    draws = by_cluster[rng.integers(150, size=(2000, 150))].sum(axis=1) / 600
    agree, yes_first, yes_second = draws[:, 0, 0] + draws[:, 1, 1], draws[:, 1].sum(1), draws[:, :, 1].sum(1)
    chance = yes_first * yes_second + (1 - yes_first) * (1 - yes_second)
    spread = ((agree - chance) / (1 - chance)).std()
    assert (high - low) / 2 / Z_95 == pytest.approx(spread, rel=0.06)
    alone = kappa_interval(first, second, np.arange(600))
    assert high - low > 1.15 * (alone[1] - alone[0])


def test_rows_twice_in_one_cluster_have_the_interval_of_the_rows_once():
    first, second = pair(80, seed=5)
    once = kappa_interval(first, second, np.arange(80))
    twice = kappa_interval(np.tile(first, 2), np.tile(second, 2), np.tile(np.arange(80), 2))
    assert twice == pytest.approx(once, abs=1e-12)
