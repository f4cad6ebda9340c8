"""Outcomes as arrays, and rates of these arrays with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.analysis.records import ClassCounts, Rate
from lm_eval_illusion.analysis.statistics import clustered_wilson_interval
from lm_eval_illusion.results.outcomes import Outcome

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Clusters = NDArray[np.int64]


@dataclass(frozen=True)
class OutcomeArrays:
    """The outcomes of n items, one array [n] per property. `clusters`: index of the item id; parallel items are one cluster."""

    recognised: Flags
    produced: Flags
    clusters: Clusters

    @property
    def class_counts(self) -> ClassCounts:
        """The number of items in each outcome class."""
        return ClassCounts(
            both=int((self.recognised & self.produced).sum()),
            recognition_only=int((self.recognised & ~self.produced).sum()),
            production_only=int((~self.recognised & self.produced).sum()),
            neither=int((~self.recognised & ~self.produced).sum()),
        )


def outcome_arrays(outcomes: Sequence[Outcome]) -> OutcomeArrays:
    """Return the arrays of these outcomes, in the same order."""
    import numpy as np

    return OutcomeArrays(
        np.array([outcome.recognised for outcome in outcomes], dtype=bool),
        np.array([outcome.produced for outcome in outcomes], dtype=bool),
        cluster_indices([outcome.id for outcome in outcomes]),
    )


def cluster_indices(ids: Sequence[str]) -> Clusters:
    """Return the index of each id among all distinct ids, sorted. The index of an id does not depend on the order of the rows."""
    import numpy as np

    indices = {item_id: index for index, item_id in enumerate(sorted(set(ids)))}
    return np.array([indices[item_id] for item_id in ids], dtype=np.int64)


def rate(hits: Flags, clusters: Clusters) -> Rate:
    """Return the mean of `hits` [n] with its clustered Wilson interval; undefined for n = 0."""
    return Rate(float(hits.mean()) if len(hits) else None, clustered_wilson_interval(hits, clusters))


def means(values: Mapping[str, NDArray[Any]], clusters: Clusters, count: int | None = None) -> dict[str, Rate]:
    """Return the mean of each array [n] with its cluster-bootstrap interval; undefined for n = 0.

    Use it for values that are no shares: a gap or a change is -1, 0 or 1 for each item. All arrays share the resamples, so the
    interval of a difference is consistent with the intervals of its parts. `count`: the number of clusters to resample, if some of
    them have no row.
    """
    import numpy as np

    from lm_eval_illusion.analysis.statistics import bootstrap_intervals, cluster_sums

    if not len(clusters):
        return dict.fromkeys(values, Rate(None, None))
    sums = cluster_sums(np.stack(list(values.values()), axis=1), clusters)
    without_rows = (count or len(sums)) - len(sums)
    intervals = bootstrap_intervals(np.pad(sums, ((0, without_rows), (0, 0))), np.bincount(clusters, minlength=count or 0))
    return {
        name: Rate(float(array.mean()), interval) for (name, array), interval in zip(values.items(), intervals, strict=True)
    }
