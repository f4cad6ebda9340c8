"""Wilson's interval and its clustered form against scipy, statsmodels, published examples and the definition."""

from __future__ import annotations

from decimal import Decimal, getcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, t
from statsmodels.regression.linear_model import OLS
from statsmodels.stats import proportion  # noqa: F401 (its import takes a second, which hypothesis would count as the test's)

from lm_eval_illusion.analysis.statistics import clustered_wilson_interval, wilson_interval
from lm_eval_illusion.analysis.statistics.clusters import variance_of_mean
from tests.analysis.statistics.clustered import RATES, clustered_rows, renamed, shuffled, simulated_answers

Z_95 = 1.959963984540054


@given(st.integers(0, 300), st.integers(1, 300))
def test_wilson_has_the_values_of_scipy(successes, n):
    successes = min(successes, n)
    expected = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # Newcombe 1998, Stat. Med. 17, 857-872, table I, method 3 (score, no continuity correction).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_published(successes, n, low, high):
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_published_to_seven_digits():
    # binom.wilson(8, 10) of R's binom; also prop.test(8, 10, correct = FALSE).
    assert wilson_interval(8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-7)


@pytest.mark.parametrize(("successes", "n"), [(81, 263), (15, 148), (1, 29), (12.5, 31.25)])
def test_wilson_by_its_closed_form_in_decimals(successes, n):
    getcontext().prec = 40
    z, size = Decimal(Z_95), Decimal(n)
    share = Decimal(successes) / size
    centre, scale = share + z * z / (2 * size), 1 + z * z / size
    spread = z * (share * (1 - share) / size + z * z / (4 * size * size)).sqrt()
    ends = float((centre - spread) / scale), float((centre + spread) / scale)
    assert wilson_interval(successes, n) == pytest.approx(ends, abs=1e-13)


@given(st.integers(1, 50), st.integers(1, 50))
def test_wilson_by_definition(successes, more):
    # At each end p, |p - share| is z standard errors of p.
    n = successes + more
    for end in wilson_interval(successes, n):
        assert abs(end - successes / n) == pytest.approx(Z_95 * (end * (1 - end) / n) ** 0.5, rel=1e-6)


@given(st.integers(0, 60), st.integers(1, 60))
def test_wilson_contains_the_rate_and_is_symmetric(successes, n):
    successes = min(successes, n)
    low, high = wilson_interval(successes, n)
    assert 0 <= low <= successes / n <= high <= 1
    mirrored = wilson_interval(n - successes, n)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_without_rows_there_is_no_interval():
    nothing = np.array([], dtype=int)
    assert wilson_interval(0, 0) is None
    assert clustered_wilson_interval(nothing, nothing) is None


def litters(counts):
    hits = np.concatenate([[1] * alive + [0] * (born - alive) for alive, born in counts])
    return hits, np.repeat(np.arange(len(counts)), [born for _, born in counts])


# Weil 1970, the pups of 16 litters each (alive after 21 days, after 4), as in Rao & Scott 1992, Biometrics 48, 577, table 1.
CONTROL = litters(
    [
        *[(13, 13), (12, 12), (9, 9), (9, 9), (8, 8), (8, 8), (12, 13), (11, 12)],
        *[(9, 10), (9, 10), (8, 9), (11, 13), (4, 5), (5, 7), (7, 10), (7, 10)],
    ]
)
TREATED = litters(
    [
        *[(12, 12), (11, 11), (10, 10), (9, 9), (10, 11), (9, 10), (9, 10), (8, 9)],
        *[(8, 9), (4, 5), (7, 9), (4, 7), (5, 10), (3, 6), (3, 10), (0, 7)],
    ]
)


@pytest.mark.parametrize(("group", "design_effect"), [(CONTROL, 1.232495), (TREATED, 3.952861)])
def test_design_effects_published(group, design_effect):
    # The help of rsb in R's PF prints them to six digits. Rao & Scott's binomial variance is p (1 - p) / n.
    hits, _ = group
    share = hits.mean()
    assert variance_of_mean(*group) / (share * (1 - share) / len(hits)) == pytest.approx(design_effect, abs=1e-6)


def test_clustered_wilson_by_hand():
    # 145 pups of 16 litters, 112 alive; Rao & Scott's design effect over p (1 - p) / (n - 1) is 144/145 of theirs.
    size = 145 / (3.9528606259640733 * 144 / 145) * (t.ppf(0.975, 144) / t.ppf(0.975, 15)) ** 2
    expected = wilson_interval(112 / 145 * size, size)
    assert clustered_wilson_interval(*TREATED) == pytest.approx(expected, abs=1e-12)
    assert size == pytest.approx(31.7642, abs=1e-4)


@given(clustered_rows(st.integers(-1, 1), min_size=2))
def test_the_variance_is_statsmodels_cluster_robust_one(rows):
    # An intercept alone: the mean. Its default correction is C/(C-1) (n-1)/(n-1).
    values, clusters = rows
    variance = variance_of_mean(values, clusters)
    if len(set(clusters)) < 2:
        assert variance is None
        return
    fit = OLS(values.astype(float), np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": clusters})
    assert variance == pytest.approx(fit.cov_params()[0, 0], abs=1e-12)


@given(st.lists(st.integers(0, 1), min_size=1, max_size=40), st.integers(0, 99))
def test_one_row_per_cluster_is_plain_wilson(hits, seed):
    clusters = np.random.default_rng(seed).permutation(len(hits))
    assert clustered_wilson_interval(np.array(hits), clusters) == wilson_interval(sum(hits), len(hits))


@pytest.mark.parametrize("hit", [0, 1])
def test_without_variance_the_number_of_clusters_is_the_sample_size(hit):
    hits, clusters = np.full(12, hit), np.repeat(np.arange(4), 3)
    assert clustered_wilson_interval(hits, clusters) == wilson_interval(4 * hit, 4)


def test_one_cluster_counts_as_one_row():
    assert clustered_wilson_interval(np.array([0, 1]), np.array([0, 0])) == wilson_interval(0.5, 1)


@given(clustered_rows(), st.integers(0, 99))
def test_clustered_wilson_properties(rows, seed):
    hits, clusters = rows
    interval = clustered_wilson_interval(hits, clusters)
    assert 0 <= interval[0] <= hits.mean() <= interval[1] <= 1
    # Clustering only widens the interval.
    low, high = wilson_interval(int(hits.sum()), len(hits))
    assert interval[0] <= low + 1e-12
    assert interval[1] >= high - 1e-12
    # Order of rows and numbering of clusters change no bit; swapping hits and misses mirrors the interval.
    assert clustered_wilson_interval(*shuffled(rows, seed)) == interval
    assert clustered_wilson_interval(hits, renamed(clusters, seed)) == interval
    mirrored = clustered_wilson_interval(1 - hits, clusters)
    assert mirrored == pytest.approx((1 - interval[1], 1 - interval[0]), abs=1e-9)


@pytest.mark.slow
def test_clustered_wilson_covers():
    # The rate of the fourth outcome over 1,000 data sets of 200 items in 6 languages; its true value is known exactly.
    clusters = np.repeat(np.arange(200), 6)
    covered = plain = 0
    for seed in range(1000):
        hits = simulated_answers(seed)[:, :, 3].ravel()
        low, high = clustered_wilson_interval(hits, clusters)
        covered += low <= RATES[3] <= high
        low, high = wilson_interval(int(hits.sum()), len(hits))
        plain += low <= RATES[3] <= high
    assert 930 <= covered <= 970
    assert plain < 800
