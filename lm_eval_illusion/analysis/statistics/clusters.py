"""Sums of rows within clusters, and the variance of the mean of all rows when clusters are the sampling units."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def cluster_sums(values: NDArray[Any], clusters: NDArray[Any]) -> NDArray[np.float64]:
    """Return the sums [C] or [C, k] of values [n] or [n, k] within each cluster; `clusters` [n] are indices from 0.

    Sums of whole numbers are exact, so the order of the rows does not change them.
    """
    import numpy as np

    columns = values.astype(np.float64)
    if columns.ndim == 1:
        return np.asarray(np.bincount(clusters, weights=columns), dtype=np.float64)
    return np.stack([cluster_sums(column, clusters) for column in columns.T], axis=1)


def variance_of_mean(values: NDArray[Any], clusters: NDArray[Any]) -> float | None:
    """Return the cluster-robust variance of the mean of `values` [n]; `clusters` [n] are indices from 0.

        C / (C - 1)  x  sum over clusters of (s_c - m_c mean)^2  /  n^2

    s_c and m_c are the sum and the number of rows of a cluster: the linearised variance of a ratio of cluster totals (Kish 1965,
    Survey Sampling, ch. 6; Rao & Scott 1992, Biometrics 48, 577). With one row in each cluster it is s^2 / n. None with fewer than two
    clusters, 0 if all clusters have the same mean.
    """
    import numpy as np

    sums, sizes = cluster_sums(values, clusters), np.bincount(clusters)
    n, count = len(values), int(np.count_nonzero(sizes))
    if count < 2:
        return None
    # Scaled by n: whole numbers stay whole, and equal means give exactly 0. fsum: the order of the clusters does not matter.
    residuals = n * sums - sizes * math.fsum(sums)
    return count / (count - 1) * math.fsum(residuals**2) / float(n) ** 4
