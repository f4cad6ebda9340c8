"""Outcomes of one row of the report as arrays, so that counting, resampling and testing are single operations on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.analysis.statistics import clustered_wilson_interval
from lm_eval_illusion.results.outcomes import Outcome

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Clusters = NDArray[np.int64]

Rate = dict[str, Any]
"""{"value": float | None, "ci": [low, high] | None}; None where the denominator is empty."""


@dataclass(frozen=True)
class Columns:
    """What a variant made of n items, [n] each. `clusters`: the item ids numbered from 0 in their order; parallel items are one cluster."""

    recognised: Flags
    produced: Flags
    clusters: Clusters

    @property
    def cells(self) -> dict[str, int]:
        """How many items are in each cell."""
        flags = {
            "both": self.recognised & self.produced,
            "recognition_only": self.recognised & ~self.produced,
            "production_only": ~self.recognised & self.produced,
            "neither": ~self.recognised & ~self.produced,
        }
        return {cell: int(flag.sum()) for cell, flag in flags.items()}


def columns_of(outcomes: Sequence[Outcome]) -> Columns:
    """The outcomes' columns, in their order."""
    import numpy as np

    return Columns(
        np.array([outcome.recognised for outcome in outcomes], dtype=bool),
        np.array([outcome.produced for outcome in outcomes], dtype=bool),
        cluster_indices([outcome.id for outcome in outcomes]),
    )


def cluster_indices(ids: Sequence[str]) -> Clusters:
    """Each id as its place among all ids, sorted: the same in whatever order the rows come."""
    import numpy as np

    places = {one_id: place for place, one_id in enumerate(sorted(set(ids)))}
    return np.array([places[one_id] for one_id in ids], dtype=np.int64)


def rate(hits: Flags, clusters: Clusters) -> Rate:
    """A share with its interval: Wilson's, on the effective number of items where parallel items are clusters; both None of nothing."""
    interval = clustered_wilson_interval(hits, clusters)
    return {"value": float(hits.mean()) if len(hits) else None, "ci": list(interval) if interval else None}


def means(values: Mapping[str, NDArray[Any]], clusters: Clusters, count: int | None = None) -> dict[str, Rate]:
    """The mean of each of these numbers [n] (a gap, a change: -1, 0, 1 an item) with its cluster-bootstrap interval; both None of nothing.

    All share the resamples, so that the interval of a difference fits those of its parts. `count`: how many clusters are drawn from, where
    some may have no row.
    """
    import numpy as np

    from lm_eval_illusion.analysis.statistics import bootstrap_intervals, cluster_sums

    if not len(clusters):
        return {name: {"value": None, "ci": None} for name in values}
    sums = cluster_sums(np.stack(list(values.values()), axis=1), clusters)
    without_rows = (count or len(sums)) - len(sums)
    intervals = bootstrap_intervals(np.pad(sums, ((0, without_rows), (0, 0))), np.bincount(clusters, minlength=count or 0))
    return {
        name: {"value": float(column.mean()), "ci": list(interval) if interval else None}
        for (name, column), interval in zip(values.items(), intervals, strict=True)
    }
