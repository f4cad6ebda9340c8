"""McNemar's test and its clustered form, Holm, and the smallest detectable effect: values of R, published examples, brute force."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2, norm
from statsmodels.regression.linear_model import OLS
from statsmodels.stats import contingency_tables, multitest  # noqa: F401 (its import takes a second, which hypothesis would count as the test's)

from lm_eval_illusion.analysis.statistics import clustered_mcnemar_p, holm, mcnemar_p, smallest_effect
from lm_eval_illusion.analysis.statistics.paired import durkalski_statistic, exact_by_signs
from tests.analysis.statistics.clustered import clustered_rows, renamed, shuffled


def test_mcnemar_approval_ratings():
    # ?mcnemar.test, Agresti 1990 p. 350: 794, 86, 150, 570. R: chi-squared = 16.818, p-value = 4.115e-05 (4.114562e-05).
    assert chi2.isf(mcnemar_p(86, 150), 1) == pytest.approx(63**2 / 236, rel=1e-12) == 16.81779661016949
    assert mcnemar_p(86, 150) == pytest.approx(4.114562e-05, abs=5e-12)


def test_mcnemar_exact_published():
    # mcnemar.exact of R's exact2x2, 21, 9, 2, 12: p-value = 0.06543.
    assert mcnemar_p(9, 2) == pytest.approx(0.06543, abs=5e-6)
    assert mcnemar_p(9, 2) == pytest.approx(2 * (1 + 11 + 55) / 2**11, abs=1e-12)


@pytest.mark.parametrize("n", range(1, 25))
def test_mcnemar_exact_is_the_binomial(n):
    for first in range(n + 1):
        p = mcnemar_p(first, n - first)
        by_enumeration = sum(comb(n, k) for k in range(n + 1) if abs(2 * k - n) >= abs(2 * first - n)) / 2**n
        assert p == pytest.approx(by_enumeration, abs=1e-12)
        assert p == pytest.approx(binomtest(first, n).pvalue, abs=1e-12)


@given(st.integers(0, 500), st.integers(25, 500))
def test_mcnemar_corrected(first, second):
    # R: the correction reduces |b - c| by 1, but not below 0.
    difference = max(0, abs(first - second) - 1)
    assert mcnemar_p(first, second) == pytest.approx(chi2.sf(difference**2 / (first + second), 1), abs=1e-12)
    assert mcnemar_p(first, second) == mcnemar_p(second, first)


def test_the_exact_test_is_used_below_25_discordant_pairs():
    assert mcnemar_p(4, 20) == pytest.approx(binomtest(4, 24).pvalue, abs=1e-12)
    assert mcnemar_p(4, 21) == pytest.approx(chi2.sf(16**2 / 25, 1), abs=1e-12)
    assert mcnemar_p(15, 15) == 1


def test_without_a_discordant_pair_there_is_no_p_value():
    agree = np.array([0, 1, 1])
    assert mcnemar_p(0, 0) is None
    assert clustered_mcnemar_p(agree, agree, np.array([0, 0, 1])) is None
    assert clustered_mcnemar_p(agree[:0], agree[:0], agree[:0]) is None


def from_counts(counts):
    """Return the rows of clusters from their counts (a, b, c, d): both right, only the first, only the second, neither."""
    kinds = np.concatenate([np.repeat(np.arange(4), cluster) for cluster in counts])
    return kinds <= 1, kinds % 2 == 0, np.repeat(np.arange(len(counts)), [sum(cluster) for cluster in counts])


# Donner & Petryshen 1989, Psychiatry Research 28, 41: patients of 29 psychiatrists; "yes" from both, the patient only, the
# psychiatrist only, neither. As in R's clust.bin.pair (data psychiatry).
PSYCHIATRY = [
    *[(1, 0, 4, 2), (1, 1, 2, 2), (3, 1, 3, 0), (2, 1, 2, 1), (2, 0, 1, 1), (0, 3, 3, 0), (0, 3, 0, 2), (0, 3, 2, 3)],
    *[(0, 1, 2, 1), (0, 0, 4, 3), (1, 0, 2, 0), (1, 1, 4, 0), (1, 0, 3, 3), (2, 0, 2, 2), (2, 0, 1, 2), (1, 0, 3, 0)],
    *[(2, 0, 1, 3), (1, 0, 2, 2), (0, 3, 0, 1), (2, 1, 0, 0), (1, 1, 0, 3), (0, 2, 2, 0), (1, 0, 1, 2), (0, 0, 2, 0)],
    *[(0, 0, 2, 1), (0, 0, 0, 2), (0, 0, 0, 2), (1, 0, 1, 1), (0, 0, 1, 0)],
]
# Obuchowski 1998, Stat. Med. 17, 1495: glands of 21 patients, PET and SPECT negative. As in clust.bin.pair (data thyroids).
THYROIDS = [
    *[(0, 0, 2, 1), (2, 0, 1, 0), (3, 0, 0, 0), (1, 0, 0, 0), (2, 0, 1, 0), (4, 0, 0, 0), (3, 0, 0, 0), (2, 0, 0, 0)],
    *[(1, 1, 0, 0), (1, 0, 0, 0), (2, 0, 0, 1), (2, 0, 0, 0), (3, 0, 0, 0), (2, 0, 0, 0), (0, 0, 2, 0), (2, 0, 0, 1)],
    *[(2, 0, 0, 1), (2, 0, 1, 0), (2, 0, 0, 0), (1, 0, 0, 0), (2, 0, 0, 0)],
]


@pytest.mark.parametrize(
    ("counts", "statistic", "digits"),
    # Durkalski et al. 2003, Stat. Med. 22, 2417.
    [(PSYCHIATRY, 7.542, 3), (THYROIDS, 2.32, 2)],
)
def test_durkalski_published(counts, statistic, digits):
    a, b, c, d = np.array(counts).T
    assert durkalski_statistic(b - c, a + b + c + d) == pytest.approx(statistic, abs=0.5 * 10**-digits)


def test_durkalski_by_fractions():
    # Thyroids: 2/3, 1/3, 1/3, -1/2, 1, 1/3 in the clusters that differ: 13/6 squared is 169/36; squares 73/36.
    a, b, c, d = np.array(THYROIDS).T
    assert durkalski_statistic(b - c, a + b + c + d) == pytest.approx(169 / 73, abs=1e-12)


def test_from_25_differing_clusters_on_the_statistic_is_durkalskis():
    # 25 clusters of two rows, 20 right only first in both, 5 right only second in one: (20 - 5/2)^2 / (20 + 5/4) = 306.25 / 21.25
    counts = [(0, 2, 0, 0)] * 20 + [(1, 0, 1, 0)] * 5
    assert clustered_mcnemar_p(*from_counts(counts)) == pytest.approx(chi2.sf(306.25 / 21.25, 1), rel=1e-9)


def test_the_test_is_exact_below_25_differing_clusters():
    # Thyroids: -2 -1 -1 1 -2 -1 in the clusters that differ (glands), sum -6; the largest is 8. All 64 combinations of signs:
    sums = [sum(signs) for signs in product(*[(-d, d) for d in (2, 1, 1, 1, 2, 1)])]
    assert clustered_mcnemar_p(*from_counts(THYROIDS)) == pytest.approx(sum(abs(total) >= 6 for total in sums) / 64, abs=1e-12)


@given(st.lists(st.integers(-6, 6), min_size=1, max_size=9))
def test_exact_by_signs_is_the_enumeration(differences):
    sums = [sum(signs) for signs in product(*[(-abs(d), abs(d)) for d in differences])]
    share = sum(abs(total) >= abs(sum(differences)) for total in sums) / len(sums)
    assert exact_by_signs(differences) == pytest.approx(share, abs=1e-12)


@given(st.integers(0, 12), st.integers(0, 12))
def test_exact_by_signs_of_single_pairs_is_exact_mcnemar(first, second):
    assert exact_by_signs([1] * first + [-1] * second) == pytest.approx(mcnemar_p(first, second) or 1.0, abs=1e-12)


def test_clusters_that_cancel_have_p_value_1():
    assert clustered_mcnemar_p(np.array([1, 0, 1]), np.array([0, 1, 1]), np.array([0, 0, 1])) == 1


@given(clustered_rows(columns=2), st.integers(0, 99))
def test_one_row_per_cluster_is_plain_mcnemar(rows, seed):
    first, second, _ = rows
    alone = np.random.default_rng(seed).permutation(len(first))
    expected = mcnemar_p(int((first > second).sum()), int((first < second).sum()))
    assert clustered_mcnemar_p(first, second, alone) == expected


@given(clustered_rows(columns=2), st.integers(0, 99))
def test_clustered_mcnemar_properties(rows, seed):
    first, second, clusters = rows
    p = clustered_mcnemar_p(*rows)
    assert (p is None) == bool((first == second).all())
    assert p is None or 0 <= p <= 1
    assert clustered_mcnemar_p(second, first, clusters) == p
    assert clustered_mcnemar_p(*shuffled(rows, seed)) == p
    assert clustered_mcnemar_p(first, second, renamed(clusters, seed)) == p


# The 50 p-values of ?p.adjust and R's p.adjust(p, "holm"), as printed at rosettacode.org/wiki/P-value_correction: those under 0.04.
R_HOLM = {
    **{1.403837e-02: 4.632662e-01, 4.040730e-03: 1.575885e-01, 3.033349e-04: 1.395341e-02, 1.125147e-02: 3.938014e-01},
    **{2.375072e-02: 7.600230e-01, 5.818542e-04: 2.501973e-02, 3.075482e-04: 1.395341e-02, 8.251272e-03: 3.052971e-01},
    **{1.356534e-03: 5.426136e-02, 1.360696e-02: 4.626366e-01, 3.764588e-04: 1.656419e-02, 1.801145e-05: 8.825610e-04},
    **{2.504456e-07: 1.252228e-05, 3.310253e-02: 9.930759e-01, 9.427839e-03: 3.394022e-01, 8.791153e-04: 3.692284e-02},
    **{2.177831e-04: 1.023581e-02, 9.693054e-04: 3.974152e-02, 6.610250e-05: 3.172920e-03, 2.900813e-02: 8.992520e-01},
    **{5.735490e-03: 2.179486e-01},
}


def test_holm_has_the_values_of_r():
    # The other 29 of the 50 are above 0.05; R adjusts each to 1.
    adjusted = holm([*R_HOLM, *[0.1] * 29])
    assert adjusted[:21] == pytest.approx(list(R_HOLM.values()), abs=1e-6)
    assert adjusted[21:] == [1.0] * 29


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=8))
def test_holm_by_definition(ps):
    # The smallest level at which the step-down procedure rejects, over the tests that could reject at all.
    known = sorted(p for p in ps if p is not None)
    steps = [min(1.0, (len(known) - i) * p) for i, p in enumerate(known)]
    expected = [None if p is None else max(steps[: known.index(p) + 1]) for p in ps]
    assert holm(ps) == pytest.approx(expected, abs=1e-12)


def test_holm_does_not_count_tests_that_cannot_reject():
    assert holm([0.02, None, 0.04]) == pytest.approx([0.04, None, 0.04])
    assert holm([None]) == [None]
    assert holm([]) == []


def test_smallest_effect_published():
    # Bloom 1995: 2.80 standard errors at a two-sided 0.05 and 80 % power, 2.49 at a one-sided one (that is, 0.10).
    differences, alone = np.array([1, -1] * 50), np.arange(100)
    error = (100 / 99 / 100) ** 0.5
    assert smallest_effect(differences, alone) / error == pytest.approx(2.80, abs=0.005)
    assert smallest_effect(differences, alone, alpha=0.10) / error == pytest.approx(2.49, abs=0.005)
    assert smallest_effect(differences, alone) == pytest.approx((norm.ppf(0.975) + norm.ppf(0.8)) * error, abs=1e-12)


@given(clustered_rows(st.integers(-1, 1)), st.integers(0, 99))
def test_smallest_effect_properties(rows, seed):
    differences, clusters = rows
    effect = smallest_effect(differences, clusters)
    assert smallest_effect(*shuffled(rows, seed)) == effect
    assert smallest_effect(differences, renamed(clusters, seed)) == effect
    assert smallest_effect(-differences, clusters) == effect
    means = {differences[clusters == cluster].mean().round(9) for cluster in set(clusters)}
    assert (effect is None) == (len(means) == 1)
    if effect is not None:
        fit = OLS(differences.astype(float), np.ones(len(differences)))
        error = fit.fit(cov_type="cluster", cov_kwds={"groups": clusters}).bse[0]
        assert effect == pytest.approx((norm.ppf(0.975) + norm.ppf(0.8)) * error, abs=1e-9)
        assert smallest_effect(differences, clusters, power=0.9) > effect


def test_the_smallest_effect_is_found_with_80_percent_power():
    # 20,000 means of 300 differences with that true mean: a two-sided z test at 5 % finds 80 %.
    generator = np.random.default_rng(0)
    differences = generator.choice([-1, 0, 1], p=[0.2, 0.6, 0.2], size=300)
    effect = smallest_effect(differences, np.arange(300))
    error = effect / (norm.ppf(0.975) + norm.ppf(0.8))
    found = np.abs(generator.normal(effect, error, size=20_000)) > norm.ppf(0.975) * error
    assert found.mean() == pytest.approx(0.8, abs=0.01)


def test_few_clusters_do_not_reject_too_often():
    # Four clusters of six rows, all with the same difference: 2 of 16 combinations of signs are as extreme; chi-square would give 0.0455.
    first, second, clusters = np.ones(24, dtype=int), np.zeros(24, dtype=int), np.repeat(np.arange(4), 6)
    assert clustered_mcnemar_p(first, second, clusters) == pytest.approx(2 / 16)
