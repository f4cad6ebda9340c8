"""Gold ranks, counted and summed up: how far down the answer's first token went, and what comes back from there."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

RANK_OF_DEMOTED = 10
"""A gold answer whose first token still ranks this high is demoted, not erased."""

BUCKETS = ("1", "2", "3-5", "6-10", "11-100", ">100")
_LAST_RANKS = (1, 2, 5, 10, 100)


def bucket_of(rank: int) -> str:
    """The name of the bucket that a rank is in."""
    return BUCKETS[bisect_left(_LAST_RANKS, rank)]


def summary(ranks: Iterable[int | None]) -> dict[str, float | None]:
    """Median, the smallest rank that 90 % do not exceed, and the share at most RANK_OF_DEMOTED; None where no rank is known."""
    known = sorted(rank for rank in ranks if rank is not None)
    if not known:
        return {"median": None, "p90": None, "share_at_most_10": None}
    return {
        "median": statistics.median(known),
        "p90": known[math.ceil(0.9 * len(known)) - 1],
        "share_at_most_10": sum(rank <= RANK_OF_DEMOTED for rank in known) / len(known),
    }


def distribution(ranks: Sequence[int | None]) -> dict[str, Any]:
    """The summary, how many ranks are known, and how many are in each bucket."""
    known = [rank for rank in ranks if rank is not None]
    counts = Counter(map(bucket_of, known))
    return {"n": len(known), **summary(known), "histogram": {name: counts[name] for name in BUCKETS}}
