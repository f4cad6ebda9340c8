"""Intervals by resampling whole clusters, for what has no formula: the illusion gap, its change, means over several languages."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Interval: TypeAlias = tuple[float, float] | None
CELLS = 4_000_000
"""Resamples are drawn this many counts at a time, 32 MB of them, however many clusters there are."""


def bootstrap_interval(numerators: NDArray[Any], denominators: NDArray[Any], seed: int = 0, resamples: int = 2000) -> Interval:
    """The interval of sum(numerators) / sum(denominators), both [C]: `bootstrap_intervals` of one column."""
    return bootstrap_intervals(numerators[:, None], denominators, seed, resamples)[0]


def bootstrap_intervals(
    numerators: NDArray[Any], denominators: NDArray[Any], seed: int = 0, resamples: int = 2000
) -> list[Interval]:
    """The percentile cluster bootstrap of the k ratios of sums, numerators [C, k] over denominators [C].

    The C clusters are drawn C times with replacement; the interval is the 2.5 % and 97.5 % points, the order statistics
    (R + 1) p, of the ratio in R resamples (Davison & Hinkley 1997, Bootstrap Methods and their Application, 3.8 and 5.3; Efron &
    Tibshirani 1993, An Introduction to the Bootstrap, ch. 13). All columns share the draws, so what holds between the columns (a
    gap is the difference of two accuracies) holds in every resample too.
    Draws are of positions: put the clusters in an order of their own (sorted by id), then the order of the rows changes no bit.
    None where there is no cluster, and where all clusters say the same ratio: there is nothing to resample, and an interval of
    width 0 would claim certainty. A resample that holds no denominator says nothing and is left out.
    Covers the true gap and its change, by simulation (4,000 data sets, 6 languages): 94-96 % with 50 clusters and more, 92-93 %
    with 20, 90 % with 10, 82-85 % with 5, so with few clusters the interval is too narrow; taking rows for clusters: 66-86 %.
    Of changes so rare that 3 of 200 items flip it covers 95 % too; of rarer ones many samples hold none, and then it is None.
    """
    import numpy as np

    columns, sizes = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    varies = _varies(columns, sizes)
    if not varies.any():
        return [None] * columns.shape[1]
    totals = np.concatenate(list(_resampled(np.column_stack([columns, sizes]), seed, resamples)))
    totals = totals[totals[:, -1] > 0]
    low, high = np.quantile(totals[:, :-1] / totals[:, -1:], (0.025, 0.975), axis=0, method="weibull").tolist()
    return [(low[k], high[k]) if varies[k] else None for k in range(len(low))]


def _varies(columns: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether some cluster's ratio is not the ratio of all (within rounding), for each column; not, without a denominator."""
    import numpy as np

    residuals = columns * sizes.sum() - sizes[:, None] * columns.sum(axis=0)
    scale = np.abs(columns).max(axis=0, initial=0.0) * sizes.sum()
    return np.asarray(np.abs(residuals).max(axis=0, initial=0.0) > 1e-12 * scale)


def _resampled(columns: NDArray[np.float64], seed: int, resamples: int) -> Iterator[NDArray[np.float64]]:
    """The columns' sums in each resample, a chunk of resamples at a time: how often each cluster is drawn, times the columns."""
    import numpy as np

    count = len(columns)
    if resamples * count <= CELLS:
        yield _all_drawn(count, seed, resamples) @ columns
        return
    generator = np.random.default_rng(seed)
    chunk = max(1, CELLS // count)
    for start in range(0, resamples, chunk):
        yield _drawn(generator, min(chunk, resamples - start), count) @ columns


@lru_cache(
    maxsize=4
)  # The rows of a report are of the same items again and again, and the draws of positions are then the same.
def _all_drawn(count: int, seed: int, resamples: int) -> NDArray[np.float64]:
    import numpy as np

    return _drawn(np.random.default_rng(seed), resamples, count)


def _drawn(generator: np.random.Generator, rows: int, count: int) -> NDArray[np.float64]:
    """[rows, count]: how often each of `count` clusters is drawn in a resample."""
    import numpy as np

    draws = generator.integers(count, size=(rows, count))
    draws += np.arange(rows)[:, None] * count
    return np.bincount(draws.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)
