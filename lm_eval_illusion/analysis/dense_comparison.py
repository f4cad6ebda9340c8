"""A pruned variant against the dense model, item by item: what it still says, what it only recognises, what is lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.analysis.arrays import Columns, columns_of, means, rate
from lm_eval_illusion.analysis.recovery import distribution
from lm_eval_illusion.analysis.statistics import clustered_mcnemar_p, holm, smallest_effect
from lm_eval_illusion.results.outcomes import Outcome

if TYPE_CHECKING:
    from lm_eval_illusion.analysis.arrays import Clusters, Flags

TESTS = ("mcnemar_production", "mcnemar_recognition")


def versus_dense(dense: Sequence[Outcome], pruned: Sequence[Outcome]) -> dict[str, Any] | None:
    """The `vs_dense` of a row, over the items that both were asked; None if there is none.

    A known item is one that the dense model produces. Changes are pruned minus dense. `logprob_drop` and `gold_rank` are of the known
    items whose gold choice has a score in both; `smallest_effect` is the smallest true change that would be seen with 80 % power.
    """
    of_dense = {(outcome.language, outcome.id): outcome for outcome in dense}
    of_pruned = {(outcome.language, outcome.id): outcome for outcome in pruned}
    asked = sorted(of_dense.keys() & of_pruned.keys())
    if not asked:
        return None
    before, after = [of_dense[key] for key in asked], [of_pruned[key] for key in asked]
    columns = columns_of(before)
    return {
        "n": len(asked),
        **_transitions(columns, columns_of(after)),
        **_demotion(before, after, columns.clusters),
        "clears_noise": None,
    }


def transition_of(dense: Outcome, pruned: Outcome) -> str:
    """What became of one item: retained, induced_recognition_only, lost, or not known."""
    if not dense.produced:
        return "not known"
    if pruned.produced:
        return "retained"
    return "induced_recognition_only" if pruned.recognised else "lost"


def correct_over_languages(rows: Sequence[dict[str, Any]]) -> None:
    """Fill `p_holm` in the rows of the languages of one variant and family: each test's p-values, corrected together."""
    compared = [row["vs_dense"] for row in rows if row["vs_dense"]]
    for test in TESTS:
        for versus, corrected in zip(compared, holm([versus[test]["p"] for versus in compared]), strict=True):
            versus[test]["p_holm"] = corrected


def _transitions(before: Columns, after: Columns) -> dict[str, Any]:
    known = before.produced
    of_known = {
        "retained": after.produced[known],
        "induced_recognition_only": (after.recognised & ~after.produced)[known],
        "lost": (~after.recognised & ~after.produced)[known],
    }
    clusters = before.clusters[known]
    produced, recognised = (after.produced * 1.0 - before.produced), (after.recognised * 1.0 - before.recognised)
    changes = {"production_change": produced, "recognition_change": recognised, "gap_change": recognised - produced}
    return {
        "known": int(known.sum()),
        **{name: int(hits.sum()) for name, hits in of_known.items()},
        "retained_rate": rate(of_known["retained"], clusters),
        "induced_rate": rate(of_known["induced_recognition_only"], clusters),
        "lost_rate": rate(of_known["lost"], clusters),
        "mcnemar_production": _mcnemar(before.produced, after.produced, before.clusters),
        "mcnemar_recognition": _mcnemar(before.recognised, after.recognised, before.clusters),
        **means(changes, before.clusters),
        "smallest_effect": {
            "production": smallest_effect(produced, before.clusters),
            "recognition": smallest_effect(recognised, before.clusters),
        },
    }


def _mcnemar(dense: Flags, pruned: Flags, clusters: Clusters) -> dict[str, Any]:
    return {
        "dense_only": int((dense & ~pruned).sum()),
        "pruned_only": int((pruned & ~dense).sum()),
        "p": clustered_mcnemar_p(dense, pruned, clusters),
        "p_holm": None,
    }


def _demotion(before: Sequence[Outcome], after: Sequence[Outcome], clusters: Clusters) -> dict[str, Any]:
    """How far the known answers went down: ranks of their first token, and the fall of their log-probability."""
    import numpy as np

    known = [(dense, pruned) for dense, pruned in zip(before, after, strict=True) if dense.produced]
    drops = np.array([_logprob_drop(dense, pruned) for dense, pruned in zip(before, after, strict=True)], dtype=float)
    there = ~np.isnan(drops)
    return {
        "gold_rank": {
            "dense": distribution([dense.gold_rank for dense, _ in known]),
            "pruned": distribution([pruned.gold_rank for _, pruned in known]),
        },
        "logprob_drop": {
            "n": int(there.sum()),
            "median": float(np.median(drops[there])) if there.any() else None,
            **means({"mean": drops[there]}, clusters[there], count=int(clusters.max()) + 1),
        },
    }


def _logprob_drop(dense: Outcome, pruned: Outcome) -> float | None:
    """Nats, of a known item; None becomes NaN among numbers."""
    if not dense.produced or dense.gold_logprob is None or pruned.gold_logprob is None:
        return None
    return dense.gold_logprob - pruned.gold_logprob
