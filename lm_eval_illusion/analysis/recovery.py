"""Gone or only demoted: what brings the answer of a recognition-only error back.

Gold ranks, counted and summed up: how far down the answer's first token went, and what comes back from there.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from lm_eval_illusion.analysis.arrays import Rate, cluster_indices, rate
from lm_eval_illusion.results.outcomes import ANSWER_SHOWING_STRATEGIES, Outcome

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


def is_demoted(outcome: Outcome) -> bool:
    """Whether a strategy that does not show the answer brings it back or its first token still ranks at most 10."""
    return is_recovered(outcome) or (outcome.gold_rank is not None and outcome.gold_rank <= RANK_OF_DEMOTED)


def is_recovered(outcome: Outcome) -> bool:
    """Whether `any` strategy that does not show the answer brings it back."""
    return any(hit for strategy, hit in outcome.recovered.items() if strategy not in ANSWER_SHOWING_STRATEGIES)


def share(answers: Sequence[bool | None], outcomes: Sequence[Outcome]) -> Rate:
    """The share of the yes over the known, one answer an outcome."""
    import numpy as np

    known = [(answer, outcome.id) for answer, outcome in zip(answers, outcomes, strict=True) if answer is not None]
    return rate(np.array([answer for answer, _ in known], dtype=bool), cluster_indices([one_id for _, one_id in known]))


def recovery(outcomes: Sequence[Outcome], errors: Sequence[Outcome]) -> dict[str, Any]:
    """Each strategy's recovery rate over the errors it was tried on, where languages ran different views; and that of `any`."""
    strategies = sorted({strategy for outcome in outcomes for strategy in outcome.recovered})
    found = {strategy: _recovered([e.recovered.get(strategy) for e in errors], errors) for strategy in strategies}
    if any(strategy not in ANSWER_SHOWING_STRATEGIES for strategy in strategies):
        found["any"] = _recovered([is_recovered(error) if _was_tried(error) else None for error in errors], errors)
    return found


def recovery_by_rank(errors: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The recovery by `any`, by how far down the answer's first token is; over the errors that have a rank and a strategy."""
    tried = [error for error in errors if error.gold_rank is not None and _was_tried(error)]
    there: dict[str, list[Outcome]] = {name: [] for name in BUCKETS} if tried else {}
    for error in tried:
        there[bucket_of(error.gold_rank or 0)].append(error)
    return [{"ranks": name, **_recovered([is_recovered(one) for one in group], group)} for name, group in there.items()]


def demoted_and_erased(errors: Sequence[Outcome]) -> tuple[Rate, Rate]:
    """The shares of demoted and of erased errors, over those that a strategy was tried on or that have a rank."""
    known = [error for error in errors if _was_tried(error) or error.gold_rank is not None]
    demoted = [is_demoted(error) for error in known]
    return share(demoted, known), share([not one for one in demoted], known)


def _was_tried(outcome: Outcome) -> bool:
    """Whether any strategy that does not show the answer ran."""
    return any(strategy not in ANSWER_SHOWING_STRATEGIES for strategy in outcome.recovered)


def _recovered(hits: Sequence[bool | None], errors: Sequence[Outcome]) -> dict[str, Any]:
    known = [hit for hit in hits if hit is not None]
    return {"n": len(known), "recovered": sum(known), **share(hits, errors)}
