"""Recognition-only errors: which strategy recovers the answer, the rank of its first token, and whether it is demoted or erased."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

from lm_eval_illusion.analysis.arrays import cluster_indices, rate
from lm_eval_illusion.analysis.records import RankDistribution, RankSummary, Rate, RecoveryAtRank, RecoveryRate
from lm_eval_illusion.results.outcomes import ANSWER_SHOWING_STRATEGIES, Outcome

RANK_OF_DEMOTED = 10
"""A recognition-only error whose gold rank is at most this is demoted, not erased."""

BUCKETS = ("1", "2", "3-5", "6-10", "11-100", ">100")
"""Names of the ranges into which gold ranks are counted."""
_LAST_RANKS = (1, 2, 5, 10, 100)


def bucket_of(rank: float) -> str:
    """Return the bucket of a gold rank. A rank between two buckets, such as 1.5, is in the second: only 1 itself is the greedy choice."""
    return BUCKETS[bisect_left(_LAST_RANKS, rank)]


def summary(ranks: Iterable[float | None]) -> RankSummary:
    """Return median, 90th percentile and share of ranks at most RANK_OF_DEMOTED over the ranks that are not None; undefined if all are."""
    defined = sorted(rank for rank in ranks if rank is not None)
    if not defined:
        return RankSummary(None, None, None)
    return RankSummary(
        median=statistics.median(defined),
        p90=defined[math.ceil(0.9 * len(defined)) - 1],
        share_at_most_10=sum(rank <= RANK_OF_DEMOTED for rank in defined) / len(defined),
    )


def distribution(ranks: Sequence[float | None]) -> RankDistribution:
    """Return the summary of the ranks that are not None, their number, and the number of ranks in each bucket."""
    defined = [rank for rank in ranks if rank is not None]
    counts = Counter(map(bucket_of, defined))
    summed = summary(defined)
    return RankDistribution(
        n=len(defined),
        median=summed.median,
        p90=summed.p90,
        share_at_most_10=summed.share_at_most_10,
        histogram={name: counts[name] for name in BUCKETS},
    )


def is_demoted(outcome: Outcome) -> bool:
    """Return whether a strategy that does not show the answer recovers it, or its gold rank is at most RANK_OF_DEMOTED."""
    return is_recovered(outcome) or (outcome.gold_rank is not None and outcome.gold_rank <= RANK_OF_DEMOTED)


def is_recovered(outcome: Outcome) -> bool:
    """Return whether a strategy that does not show the answer recovers it."""
    return any(hit for strategy, hit in outcome.recovered.items() if strategy not in ANSWER_SHOWING_STRATEGIES)


def share(hits: Sequence[bool | None], outcomes: Sequence[Outcome]) -> Rate:
    """Return the rate of True among the hits that are not None; `hits` has an element for each outcome."""
    import numpy as np

    defined = [(hit, outcome.id) for hit, outcome in zip(hits, outcomes, strict=True) if hit is not None]
    return rate(np.array([hit for hit, _ in defined], dtype=bool), cluster_indices([item_id for _, item_id in defined]))


def recovery(outcomes: Sequence[Outcome], errors: Sequence[Outcome]) -> dict[str, RecoveryRate]:
    """Return the recovery rate of each strategy that ran on `outcomes`, and of `any`.

    Each rate is over the errors on which the strategy ran: languages of one row may have run different views.
    """
    strategies = sorted({strategy for outcome in outcomes for strategy in outcome.recovered})
    rates = {strategy: _recovery_rate([e.recovered.get(strategy) for e in errors], errors) for strategy in strategies}
    if any(strategy not in ANSWER_SHOWING_STRATEGIES for strategy in strategies):
        rates["any"] = _recovery_rate([is_recovered(error) if _was_tried(error) else None for error in errors], errors)
    return rates


def recovery_by_rank(errors: Sequence[Outcome]) -> list[RecoveryAtRank]:
    """Return the recovery by `any` in each bucket of gold ranks, over the errors that have a rank and on which a strategy ran."""
    by_bucket: dict[str, list[Outcome]] = {name: [] for name in BUCKETS}
    for error in errors:
        if error.gold_rank is not None and _was_tried(error):
            by_bucket[bucket_of(error.gold_rank)].append(error)
    if not any(by_bucket.values()):
        return []
    rates = {name: _recovery_rate([is_recovered(error) for error in group], group) for name, group in by_bucket.items()}
    return [RecoveryAtRank(name, rate.n, rate.recovered, rate.value, rate.ci) for name, rate in rates.items()]


def demoted_and_erased(errors: Sequence[Outcome]) -> tuple[Rate, Rate]:
    """Return the shares of demoted and of erased errors, over the errors that have a rank or on which a strategy ran."""
    decided = [error for error in errors if _was_tried(error) or error.gold_rank is not None]
    demoted = [is_demoted(error) for error in decided]
    return share(demoted, decided), share([not hit for hit in demoted], decided)


def _was_tried(outcome: Outcome) -> bool:
    """Return whether a strategy that does not show the answer ran."""
    return any(strategy not in ANSWER_SHOWING_STRATEGIES for strategy in outcome.recovered)


def _recovery_rate(hits: Sequence[bool | None], errors: Sequence[Outcome]) -> RecoveryRate:
    defined = [hit for hit in hits if hit is not None]
    recovered = share(hits, errors)
    return RecoveryRate(len(defined), sum(defined), recovered.value, recovered.ci)
