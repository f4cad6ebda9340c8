"""Cohen's kappa of two judgements that are yes or no, with an interval for clustered rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lm_eval_illusion.analysis.statistics.clusters import variance_of_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

Z_95 = 1.959963984540054
"""The quantile 0.975 of the normal distribution."""


def cohens_kappa(first: NDArray[Any], second: NDArray[Any]) -> float | None:
    """Return Cohen's kappa of two arrays of truth values [n]: (p_o - p_e) / (1 - p_e).

    p_o is the share of rows on which both agree, p_e the agreement expected by chance from the shares of yes of each (Cohen 1960,
    Educational and Psychological Measurement 20, 37). None without rows, or if both say yes everywhere or no everywhere: p_e is 1 then.
    """
    n = len(first)
    if not n:
        return None
    # Whole numbers, so that an undefined kappa is found exactly. Scaled by n^2.
    yes_first, yes_second = int(first.sum()), int(second.sum())
    by_chance = yes_first * yes_second + (n - yes_first) * (n - yes_second)
    agreeing = n * int((first == second).sum())
    return (agreeing - by_chance) / (n * n - by_chance) if by_chance != n * n else None


def kappa_interval(first: NDArray[Any], second: NDArray[Any], clusters: NDArray[Any]) -> tuple[float, float] | None:
    """Return the 95 % interval of `cohens_kappa`, cut to -1 and 1; `clusters` [n] are indices from 0.

    The large-sample interval by the delta method (Fleiss, Cohen & Everitt 1969, Psychological Bulletin 72, 323): the variance is that of
    the mean of the linearised values of the rows, summed within clusters. None where kappa is undefined, with fewer than two clusters,
    and where the variance is 0, which says that the sample is too small or too uniform to tell, not that kappa is known exactly.
    """
    kappa = cohens_kappa(first, second)
    if kappa is None:
        return None
    variance = variance_of_mean(_influences(first * 1.0, second * 1.0, kappa), clusters)
    if variance is None or variance <= 1e-15:
        return None
    margin: float = Z_95 * variance**0.5
    return max(-1.0, kappa - margin), min(1.0, kappa + margin)


def _influences(first: NDArray[Any], second: NDArray[Any], kappa: float) -> NDArray[Any]:
    """Return the influence of each row on kappa [n]: its derivative with respect to the weight of the row. Their mean is 0."""
    a, b = first.mean(), second.mean()
    by_chance = a * b + (1 - a) * (1 - b)
    agrees = (first == second) * 1.0
    # A row changes both shares, and by them the agreement by chance.
    change_by_chance = (2 * b - 1) * (first - a) + (2 * a - 1) * (second - b)
    influences: NDArray[Any] = ((agrees - agrees.mean()) - (1 - kappa) * change_by_chance) / (1 - by_chance)
    return influences
