"""Tests for two answers to the same items: p-values of the difference, and the smallest difference that a test would detect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.analysis.statistics.clusters import cluster_sums, variance_of_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXACT_BELOW = 25
"""With fewer discordant pairs the test is exact (binomial), not by the chi-square approximation."""


def mcnemar_p(first_only: int, second_only: int) -> float | None:
    """Return the p-value of McNemar's test: are two answers to the same items right equally often? (McNemar 1947, Psychometrika 12, 153)

    `first_only` (b) and `second_only` (c) count the discordant pairs. Below 25 pairs: 2 P(Binomial(b + c, 1/2) <= min(b, c)), at most 1.
    Else chi-square of (|b - c| - 1)^2 / (b + c) with 1 degree of freedom (continuity correction: Edwards 1948, Psychometrika 13, 185),
    by statsmodels. None without a discordant pair. Items count as independent.
    """
    discordant = first_only + second_only
    if discordant == 0:
        return None
    from statsmodels.stats.contingency_tables import mcnemar

    # The correction must not go below 0: for b = c statsmodels would use (0 - 1)^2, unlike R's mcnemar.test.
    correction = first_only != second_only
    test = mcnemar([[0, first_only], [second_only, 0]], exact=discordant < EXACT_BELOW, correction=correction)
    return float(test.pvalue)


def clustered_mcnemar_p(first: NDArray[Any], second: NDArray[Any], clusters: NDArray[Any]) -> float | None:
    """Return the p-value of McNemar's test for clustered rows: 0/1 answers `first` and `second` [n], `clusters` [n] indices from 0.

    With one row in every cluster it is `mcnemar_p`. Else, below 25 clusters whose pairs do not cancel, it is exact: under the null
    hypothesis the difference of a cluster has either sign with probability 1/2 (`exact_by_signs`). From 25 on it is the chi-square test
    of `durkalski_statistic` with 1 degree of freedom, which rejects too often with few clusters (12 % at a level of 5 % with four).
    None without a discordant pair; 1 if the pairs of every cluster cancel.
    """
    import numpy as np

    first_right, second_right = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    first_only, second_only = int(np.sum(first_right & ~second_right)), int(np.sum(~first_right & second_right))
    sizes = np.bincount(clusters)
    if first_only + second_only == 0 or sizes.max() == 1:
        return mcnemar_p(first_only, second_only)
    non_empty = sizes > 0
    differences = cluster_sums(first_right.astype(int) - second_right, clusters)[non_empty].astype(int)
    if np.count_nonzero(differences) < EXACT_BELOW:
        return exact_by_signs(differences.tolist())
    return _chi_square_tail(durkalski_statistic(differences, sizes[non_empty]))


def exact_by_signs(differences: Sequence[int]) -> float:
    """Return P(|S| >= |sum of the differences|), where S is their sum with random signs (Fisher 1935, Design of Experiments, 21).

    The distribution of S is computed exactly, one difference after the other. With differences of 1 it is the exact McNemar test.
    """
    import numpy as np

    most = sum(map(abs, differences))
    # chances[most + s] is P(S = s).
    chances = np.zeros(2 * most + 1)
    chances[most] = 1.0
    for difference in map(abs, differences):
        chances = (np.roll(chances, difference) + np.roll(chances, -difference)) / 2 if difference else chances
    far = np.abs(np.arange(-most, most + 1)) >= abs(sum(differences))
    return min(1.0, float(chances[far].sum()))


def durkalski_statistic(differences: NDArray[Any], sizes: NDArray[Any]) -> float:
    """Return the statistic of clustered matched pairs (Durkalski, Palesch, Lipsitz & Rust 2003, Stat. Med. 22, 2417).

        T = (sum of d_k / n_k)^2  /  sum of (d_k / n_k)^2

    d_k: the number of pairs of cluster k that are right only first minus right only second; n_k: its rows. Not all d_k may be 0. Clusters
    have equal weight.
    """
    shares = differences / sizes
    return math.fsum(shares) ** 2 / math.fsum(shares**2)


def _chi_square_tail(statistic: float) -> float:
    from scipy.special import chdtrc

    return float(chdtrc(1, statistic))


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Return p-values corrected for m tests by Holm's method (Holm 1979, Scand. J. Stat. 6, 65), by statsmodels.

    In rising order, each is the largest so far of (m - i + 1) p_(i), at most 1. None stays None and does not count in m: a test that
    can't reject at any level, as one without a discordant pair, makes no error (Tarone 1990, Biometrics 46, 515).
    """
    from statsmodels.stats.multitest import multipletests

    defined = [p for p in ps if p is not None]
    adjusted = iter(multipletests(defined, method="holm")[1].tolist() if defined else ())
    return [None if p is None else next(adjusted) for p in ps]


def smallest_effect(differences: NDArray[Any], clusters: NDArray[Any], power: float = 0.8, alpha: float = 0.05) -> float | None:
    """Return the smallest true mean of `differences` [n] (-1, 0 or 1) that a two-sided test at level `alpha` detects with this power.

        (z_{1 - alpha/2} + z_power)  x  the cluster-robust standard error of the mean: 2.80 standard errors by default

    (Bloom 1995, Evaluation Review 19, 547; for language models and clusters Miller 2024, arXiv 2411.00640.) It is a property of the
    sample's size and spread, not of the observed mean. None with fewer than two clusters or a standard error of 0.
    """
    from scipy.special import ndtri

    variance = variance_of_mean(differences, clusters)
    if not variance:
        return None
    return float((ndtri(1 - alpha / 2) + ndtri(power)) * math.sqrt(variance))
