"""The same items asked twice: tests of the difference, and the difference that could have been seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.analysis.statistics.clusters import cluster_sums, variance_of_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXACT_BELOW = 25
"""With fewer discordant pairs the binomial is used, not its chi-square approximation."""


def mcnemar_p(first_only: int, second_only: int) -> float | None:
    """McNemar's test that two answers to the same items are right equally often (McNemar 1947, Psychometrika 12, 153).

    Under 25 discordant pairs b + c: 2 P(Binomial(b + c, 1/2) <= min(b, c)), at most 1. Else chi-square of
    (|b - c| - 1)^2 / (b + c) with 1 degree of freedom (continuity correction: Edwards 1948, Psychometrika 13, 185), by statsmodels.
    None without a discordant pair: nothing speaks for or against. Items are taken as independent.
    """
    discordant = first_only + second_only
    if discordant == 0:
        return None
    from statsmodels.stats.contingency_tables import mcnemar

    # The correction shrinks |b - c| and can't pass 0: statsmodels would make 1 of 0 where b = c, R's mcnemar.test doesn't.
    correction = first_only != second_only
    test = mcnemar([[0, first_only], [second_only, 0]], exact=discordant < EXACT_BELOW, correction=correction)
    return float(test.pvalue)


def clustered_mcnemar_p(first: NDArray[Any], second: NDArray[Any], clusters: NDArray[Any]) -> float | None:
    """McNemar's test where the rows of a cluster are alike: 0/1 answers `first` and `second` [n], `clusters` [n] from 0.

    Where every cluster has one row: `mcnemar_p`. Else, under 25 clusters whose pairs don't cancel, exact: each cluster's difference
    is as likely with either sign (`exact_by_signs`); from 25 on the chi-square of `durkalski_statistic` with 1 degree of freedom,
    which with few clusters would reject too often (12 % at a level of 5 % with four). None without a discordant pair; 1 where every
    cluster's pairs cancel.
    """
    import numpy as np

    right, wrong = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    first_only, second_only = int(np.sum(right & ~wrong)), int(np.sum(~right & wrong))
    sizes = np.bincount(clusters)
    if first_only + second_only == 0 or sizes.max() == 1:
        return mcnemar_p(first_only, second_only)
    held = sizes > 0
    differences = cluster_sums(right.astype(int) - wrong, clusters)[held].astype(int)
    if np.count_nonzero(differences) < EXACT_BELOW:
        return exact_by_signs(differences.tolist())
    return _chi_square_tail(durkalski_statistic(differences, sizes[held]))


def exact_by_signs(differences: Sequence[int]) -> float:
    """P(|S| >= |sum of the differences|), S their sum with every sign drawn anew at one half (Fisher 1935, Design of Experiments, 21).

    Exact by adding one difference after the other to the distribution of S. With differences of 1 it is the exact McNemar test.
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
    """The statistic of clustered matched pairs (Durkalski, Palesch, Lipsitz & Rust 2003, Stat. Med. 22, 2417).

        T = (sum of d_k / n_k)^2  /  sum of (d_k / n_k)^2

    d_k: a cluster's pairs right only first minus those right only second, n_k its rows; not all d_k are 0. Each cluster weighs the same.
    """
    shares = differences / sizes
    return math.fsum(shares) ** 2 / math.fsum(shares**2)


def _chi_square_tail(statistic: float) -> float:
    from scipy.special import chdtrc

    return float(chdtrc(1, statistic))


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """P-values that hold for all tests at once (Holm 1979, Scand. J. Stat. 6, 65), by statsmodels.

    In rising order, the largest so far of (m - i + 1) p_(i), at most 1. None stays None and doesn't count towards m: a test that
    can't reject at any level, as one without a discordant pair, can't err (Tarone 1990, Biometrics 46, 515).
    """
    from statsmodels.stats.multitest import multipletests

    known = [p for p in ps if p is not None]
    adjusted = iter(multipletests(known, method="holm")[1].tolist() if known else ())
    return [None if p is None else next(adjusted) for p in ps]


def smallest_effect(differences: NDArray[Any], clusters: NDArray[Any], power: float = 0.8, alpha: float = 0.05) -> float | None:
    """The smallest true mean of `differences` [n] (-1, 0 or 1) that a two-sided test at level `alpha` finds with this power.

        (z_{1 - alpha/2} + z_power)  x  the cluster-robust standard error of the mean: 2.80 standard errors by default

    (Bloom 1995, Evaluation Review 19, 547; for language models and clusters Miller 2024, arXiv 2411.00640.) It says what the
    sample could have seen, not what it saw. None with fewer than two clusters, or where all agree: no standard error.
    """
    from scipy.special import ndtri

    variance = variance_of_mean(differences, clusters)
    if not variance:
        return None
    return float((ndtri(1 - alpha / 2) + ndtri(power)) * math.sqrt(variance))
