"""The cluster bootstrap against enumeration, a plain loop, scipy and simulations with known true values."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap as scipys_bootstrap

from lm_eval_illusion.analysis.statistics import bootstrap, bootstrap_interval, bootstrap_intervals, cluster_sums
from tests.analysis.statistics.clustered import (
    ITEMS,
    LANGUAGES,
    RATES,
    clustered_rows,
    gap_and_change,
    shuffled,
    simulated_answers,
)


def all_resamples(numerators, denominators):
    """Return the sorted ratios of all C^C equally likely resamples of C clusters."""
    draws = np.array(list(product(range(len(numerators)), repeat=len(numerators))))
    return np.sort(np.asarray(numerators)[draws].sum(axis=1) / np.asarray(denominators)[draws].sum(axis=1))


def test_a_published_bootstrap_by_enumeration():
    # Fox, Applied Regression Analysis (3rd ed. 2016), 21.1: incomes 6, -3, 5, 3; all 256 resamples have mean 2.75 and SE 1.745.
    ratios = all_resamples([6, -3, 5, 3], [1, 1, 1, 1])
    assert (len(ratios), ratios.mean()) == (256, 2.75)
    assert ratios.std() == pytest.approx(1.745, abs=1e-3)
    # 2.5 % of 256 is 6.4: the ends are the 7th smallest and the 7th largest; both have equal neighbours.
    low, high = bootstrap_interval(np.array([6, -3, 5, 3]), np.ones(4), resamples=200_000)
    assert (low, high) == pytest.approx((ratios[6], ratios[-7]), abs=1e-6) == (-1.0, 5.5)


@pytest.mark.parametrize(
    ("numerators", "denominators"),
    [([2, 0, 1, 3, 0], [3, 3, 3, 3, 3]), ([4, 0, 1], [6, 2, 3]), ([-2, 3, 0, 1, 1, -1], [6, 6, 5, 6, 1, 6])],
)
def test_small_samples_by_enumeration(numerators, denominators):
    ratios = all_resamples(numerators, denominators)
    interval = bootstrap_interval(np.array(numerators), np.array(denominators), resamples=100_000)
    # The end lies between the exact quantiles 0.2 % to either side.
    for end, p in zip(interval, (0.025, 0.975), strict=True):
        near = np.quantile(ratios, (p - 0.002, p + 0.002), method="inverted_cdf")
        assert near[0] - 1e-6 <= end <= near[1] + 1e-6


def test_a_loop_in_plain_python_gives_the_same():
    numerators, denominators = [3, -1, 0, 2, 5], [6, 6, 4, 5, 6]
    generator = np.random.default_rng(7)
    ratios = []
    for _ in range(999):
        drawn = generator.integers(5, size=5).tolist()
        ratios.append(sum(numerators[i] for i in drawn) / sum(denominators[i] for i in drawn))
    # With 999 resamples the ends are the 25th and the 975th (Davison & Hinkley 1997, 5.3).
    expected = sorted(ratios)[24], sorted(ratios)[974]
    interval = bootstrap_interval(np.array(numerators), np.array(denominators), seed=7, resamples=999)
    assert interval == pytest.approx(expected, abs=1e-12)


def test_scipy_gives_nearly_the_same():
    generator = np.random.default_rng(3)
    denominators = generator.integers(1, 7, size=150)
    numerators = generator.binomial(denominators, 0.3)
    expected = scipys_bootstrap(
        (numerators, denominators),
        lambda x, y, axis: x.sum(axis=axis) / y.sum(axis=axis),
        paired=True,
        method="percentile",
        n_resamples=20_000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    interval = bootstrap_interval(numerators, denominators, resamples=20_000)
    assert interval == pytest.approx((expected.low, expected.high), abs=2e-3)


def test_without_variation_there_is_no_interval():
    assert bootstrap_interval(np.array([]), np.array([])) is None
    assert bootstrap_interval(np.array([2]), np.array([3])) is None
    # The same ratio in each cluster; all numerators 0; all denominators 0.
    assert bootstrap_interval(np.array([1, 2, 1]), np.array([3, 6, 3])) is None
    assert bootstrap_interval(np.array([0.1, 0.2, 0.3]), np.array([1, 2, 3])) is None
    assert bootstrap_interval(np.array([0, 0]), np.array([3, 6])) is None
    assert bootstrap_interval(np.array([0, 0]), np.array([0, 0])) is None
    intervals = bootstrap_intervals(np.array([[0, 1], [0, 0]]), np.array([2, 2]))
    assert intervals == [None, (0.0, 0.5)]


def test_resamples_without_a_denominator_are_left_out():
    # Two of five clusters hold all rows: a resample misses both with 0.6^5 = 8 %.
    assert bootstrap_interval(np.array([1, 0, 0, 0, 0]), np.array([1, 1, 0, 0, 0])) == (0.0, 1.0)


@given(
    st.lists(st.tuples(st.integers(-6, 6), st.integers(-6, 6), st.integers(0, 6)), min_size=1, max_size=12), st.integers(0, 9)
)
@settings(max_examples=50)
def test_bootstrap_properties(clusters, seed):
    first, second, denominators = np.array(clusters).T
    first, second = np.clip(first, -denominators, denominators), np.clip(second, -denominators, denominators)
    columns = np.stack([first, second, -first], axis=1)
    first_interval, second_interval, negative_interval = bootstrap_intervals(columns, denominators, seed=seed)
    # The interval of a column depends neither on the other columns nor on the chunks.
    assert bootstrap_interval(first, denominators, seed=seed) == first_interval
    assert bootstrap_interval(second, denominators, seed=seed) == second_interval
    ratios = {n / d for n, d in zip(first.tolist(), denominators.tolist(), strict=True) if d}
    assert (first_interval is None) == (len(ratios) <= 1)
    if first_interval is not None:
        assert -1 <= first_interval[0] <= first.sum() / denominators.sum() <= first_interval[1] <= 1
        assert negative_interval == pytest.approx((-first_interval[1], -first_interval[0]), abs=1e-12)


@given(clustered_rows(st.integers(-1, 1)), st.integers(0, 99))
@settings(max_examples=25)
def test_the_order_of_rows_changes_no_bit(rows, seed):
    def interval(values, clusters):
        return bootstrap_interval(cluster_sums(values, clusters), cluster_sums(np.ones(len(values)), clusters))

    assert interval(*shuffled(rows, seed)) == interval(*rows)


def test_cluster_sums():
    values, clusters = np.array([[1, 2], [3, 4], [5, 6]]), np.array([2, 0, 2])
    assert cluster_sums(values, clusters).tolist() == [[3, 4], [0, 0], [6, 8]]
    assert cluster_sums(values[:, 1] > 2, clusters).tolist() == [1, 0, 1]


def test_the_chunk_size_changes_nothing(monkeypatch):
    generator = np.random.default_rng(0)
    numerators, denominators = generator.integers(0, 7, size=(11, 3)), np.full(11, 6)
    whole = bootstrap_intervals(numerators, denominators)
    for max_counts in (1, 50, 1000):
        monkeypatch.setattr(bootstrap, "MAX_COUNTS", max_counts)
        assert bootstrap_intervals(numerators, denominators, resamples=2000) == whole


def test_the_seed_determines_the_interval():
    numerators, denominators = np.arange(40) % 7, np.full(40, 6)
    assert bootstrap_interval(numerators, denominators) == bootstrap_interval(numerators, denominators)
    assert bootstrap_interval(numerators, denominators, seed=1) != bootstrap_interval(numerators, denominators, seed=2)


@pytest.mark.slow
def test_the_intervals_of_gap_and_change_cover():
    """1,000 data sets of 200 items in 6 languages; the languages of an item share its effects; the true values are known exactly."""
    truth, sizes, trials = gap_and_change(RATES), np.full(ITEMS, LANGUAGES), 1000
    covered, covered_unclustered = np.zeros(2), np.zeros(2)
    for seed in range(trials):
        rows = gap_and_change(simulated_answers(seed))
        low, high = np.array(bootstrap_intervals(rows.sum(axis=1), sizes, seed=seed)).T
        covered += (low <= truth) & (truth <= high)
        if seed < trials // 4:
            # For comparison: each row as its own cluster.
            each = rows.reshape(-1, 2)
            low, high = np.array(bootstrap_intervals(each, np.ones(len(each)), seed=seed, resamples=1000)).T
            covered_unclustered += (low <= truth) & (truth <= high)
    assert ((covered >= 0.93 * trials) & (covered <= 0.97 * trials)).all(), covered
    assert (covered_unclustered < 0.87 * (trials // 4)).all(), covered_unclustered
