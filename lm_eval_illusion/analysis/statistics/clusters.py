"""Rows -> clusters: their sums, and how far the mean of all rows wobbles when whole clusters are drawn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def cluster_sums(values: NDArray[Any], clusters: NDArray[Any]) -> NDArray[np.float64]:
    """The sums [C] or [C, k] of the rows' values [n] or [n, k] within each cluster; `clusters` [n] counts from 0.

    Of 0/1 and other whole values the sums are exact, so the order of the rows changes no bit.
    """
    import numpy as np

    columns = values.astype(np.float64)
    if columns.ndim == 1:
        return np.asarray(np.bincount(clusters, weights=columns), dtype=np.float64)
    return np.stack([cluster_sums(column, clusters) for column in columns.T], axis=1)


def variance_of_mean(values: NDArray[Any], clusters: NDArray[Any]) -> float | None:
    """The cluster-robust variance of the mean of all rows.

        C / (C - 1)  x  sum over clusters of (s_c - m_c mean)^2  /  n^2

    s_c and m_c are a cluster's sum and number of rows: the linearised variance of a ratio of cluster totals (Kish 1965, Survey
    Sampling, ch. 6; Rao & Scott 1992, Biometrics 48, 577). With a row a cluster it is the textbook s^2 / n. None with fewer
    than two clusters: one cluster doesn't vary. 0 where all clusters have the same mean.
    """
    import numpy as np

    sums, sizes = cluster_sums(values, clusters), np.bincount(clusters)
    n, count = len(values), int(np.count_nonzero(sizes))
    if count < 2:
        return None
    # Scaled by n, so that whole numbers stay whole and equal means leave exactly 0; fsum, so that no order of clusters matters.
    residuals = n * sums - sizes * math.fsum(sums)
    return count / (count - 1) * math.fsum(residuals**2) / float(n) ** 4
