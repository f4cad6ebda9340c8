"""Bootstrap intervals that resample whole clusters: for the illusion gap and changes, whose interval has no formula."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Interval: TypeAlias = tuple[float, float] | None
MAX_COUNTS = 4_000_000
"""Largest number of counts (resamples x clusters) that are drawn at a time: 32 MB, for any number of clusters."""


def bootstrap_interval(numerators: NDArray[Any], denominators: NDArray[Any], seed: int = 0, resamples: int = 2000) -> Interval:
    """Return the interval of sum(numerators) / sum(denominators), both [C]; see `bootstrap_intervals`."""
    return bootstrap_intervals(numerators[:, None], denominators, seed, resamples)[0]


def bootstrap_intervals(
    numerators: NDArray[Any], denominators: NDArray[Any], seed: int = 0, resamples: int = 2000
) -> list[Interval]:
    """Return percentile cluster-bootstrap intervals of k ratios of sums: numerators [C, k] over denominators [C].

    The C clusters are drawn C times with replacement. The interval is the 2.5 % and the 97.5 % quantile of the ratio in R resamples,
    by the order statistics (R + 1) p (Davison & Hinkley 1997, Bootstrap Methods and their Application, 3.8 and 5.3; Efron & Tibshirani
    1993, An Introduction to the Bootstrap, ch. 13). All columns share the draws, so a relation between columns (a gap is the
    difference of two accuracies) holds in every resample too.

    Positions are drawn: with clusters in a fixed order (sorted by id), the order of the rows does not change the result.

    An interval is None if there is no cluster or if all clusters have the same ratio: an interval of width 0 would claim certainty. A
    resample whose denominator is 0 is left out.

    Coverage of the true gap and of its change, by simulation (4,000 data sets, 6 languages): 94-96 % from 50 clusters on, 92-93 % with
    20, 90 % with 10, 82-85 % with 5. With few clusters the interval is too narrow; if rows were resampled instead of clusters,
    coverage would be 66-86 %. For a change of 3 of 200 items coverage is 95 % too; for rarer changes many samples contain no
    change, and the interval is None.
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
    """Return for each column whether the ratio of some cluster differs from that of all clusters, rounding aside."""
    import numpy as np

    residuals = columns * sizes.sum() - sizes[:, None] * columns.sum(axis=0)
    scale = np.abs(columns).max(axis=0, initial=0.0) * sizes.sum()
    return np.asarray(np.abs(residuals).max(axis=0, initial=0.0) > 1e-12 * scale)


def _resampled(columns: NDArray[np.float64], seed: int, resamples: int) -> Iterator[NDArray[np.float64]]:
    """Yield the sums of the columns in each resample, [resamples of a chunk, columns]."""
    import numpy as np

    count = len(columns)
    if resamples * count <= MAX_COUNTS:
        yield _all_drawn(count, seed, resamples) @ columns
        return
    generator = np.random.default_rng(seed)
    chunk = max(1, MAX_COUNTS // count)
    for start in range(0, resamples, chunk):
        yield _drawn(generator, min(chunk, resamples - start), count) @ columns


# Most rows of a report have the same number of clusters, and then the draws are the same.
@lru_cache(maxsize=4)
def _all_drawn(count: int, seed: int, resamples: int) -> NDArray[np.float64]:
    import numpy as np

    return _drawn(np.random.default_rng(seed), resamples, count)


def _drawn(generator: np.random.Generator, rows: int, count: int) -> NDArray[np.float64]:
    """Return how often each of `count` clusters is drawn in each of `rows` resamples, [rows, count]."""
    import numpy as np

    draws = generator.integers(count, size=(rows, count))
    draws += np.arange(rows)[:, None] * count
    return np.bincount(draws.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)
