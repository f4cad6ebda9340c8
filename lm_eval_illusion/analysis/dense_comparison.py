"""Comparison of a pruned variant with the dense model, item by item: retained, only recognised or lost, and tests of each change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lm_eval_illusion.analysis.arrays import means, outcome_arrays, rate
from lm_eval_illusion.analysis.next_token_change import agreements, divergences
from lm_eval_illusion.analysis.records import (
    DenseComparison,
    InducedAtKl,
    KnownRanks,
    LogprobDrop,
    McNemarTest,
    Rate,
    SmallestEffect,
)
from lm_eval_illusion.analysis.recovery import distribution
from lm_eval_illusion.analysis.statistics import clustered_mcnemar_p, holm, smallest_effect
from lm_eval_illusion.results.outcomes import Outcome

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lm_eval_illusion.analysis.arrays import Clusters, Flags

THIRDS = 3
"""Parts of the known items by their divergence."""


def versus_dense(dense: Sequence[Outcome], pruned: Sequence[Outcome]) -> DenseComparison | None:
    """Compare the items that both models answered; None if there is none.

    A known item is one that the dense model produces. Changes are pruned minus dense. `logprob_drop` is over the known items whose
    gold choice has a score in both runs, `kl` and `top1_agreement` over the items whose next tokens are known in both. `p_holm` is filled
    by `correct_over_languages`, `clears_noise` by `noise.mark_noise`.
    """
    by_key_dense = {(outcome.language, outcome.id): outcome for outcome in dense}
    by_key_pruned = {(outcome.language, outcome.id): outcome for outcome in pruned}
    shared = sorted(by_key_dense.keys() & by_key_pruned.keys())
    if not shared:
        return None
    return _compare([by_key_dense[key] for key in shared], [by_key_pruned[key] for key in shared])


def transition_of(dense: Outcome, pruned: Outcome) -> str:
    """Return the transition of one item: retained, induced_recognition_only, lost, or not known."""
    if not dense.produced:
        return "not known"
    if pruned.produced:
        return "retained"
    return "induced_recognition_only" if pruned.recognised else "lost"


def correct_over_languages(comparisons: Sequence[DenseComparison]) -> list[DenseComparison]:
    """Return the comparisons of one variant, one for each language, with `p_holm` set: each test is corrected over the languages."""
    production = holm([comparison.mcnemar_production.p for comparison in comparisons])
    recognition = holm([comparison.mcnemar_recognition.p for comparison in comparisons])
    return [
        replace(
            comparison,
            mcnemar_production=replace(comparison.mcnemar_production, p_holm=p_production),
            mcnemar_recognition=replace(comparison.mcnemar_recognition, p_holm=p_recognition),
        )
        for comparison, p_production, p_recognition in zip(comparisons, production, recognition, strict=True)
    ]


def _compare(dense: Sequence[Outcome], pruned: Sequence[Outcome]) -> DenseComparison:
    """Compare outcomes of the same items in the same order."""
    import numpy as np

    before, after = outcome_arrays(dense), outcome_arrays(pruned)
    known, clusters = before.produced, before.clusters
    transitions = {
        "retained": known & after.produced,
        "induced_recognition_only": known & after.recognised & ~after.produced,
        "lost": known & ~after.recognised & ~after.produced,
    }
    retained, induced, lost = (items[known] for items in transitions.values())
    production = after.produced * 1.0 - before.produced
    recognition = after.recognised * 1.0 - before.recognised
    # In one call: the three intervals come from the same resamples.
    changes = means({"production": production, "recognition": recognition, "gap": recognition - production}, clusters)
    divergence = divergences([outcome.next_tokens for outcome in dense], [outcome.next_tokens for outcome in pruned])
    kl = {
        name: _mean_defined(divergence, items, clusters) for name, items in {"all": np.ones_like(known), **transitions}.items()
    }
    return DenseComparison(
        n=len(dense),
        known=int(known.sum()),
        retained=int(retained.sum()),
        induced_recognition_only=int(induced.sum()),
        lost=int(lost.sum()),
        retained_rate=rate(retained, clusters[known]),
        induced_rate=rate(induced, clusters[known]),
        lost_rate=rate(lost, clusters[known]),
        mcnemar_production=_mcnemar(before.produced, after.produced, clusters),
        mcnemar_recognition=_mcnemar(before.recognised, after.recognised, clusters),
        production_change=changes["production"],
        recognition_change=changes["recognition"],
        gap_change=changes["gap"],
        smallest_effect=SmallestEffect(smallest_effect(production, clusters), smallest_effect(recognition, clusters)),
        gold_rank=_known_ranks(dense, pruned),
        logprob_drop=_logprob_drop(dense, pruned, clusters),
        clears_noise=None,
        kl=kl["all"],
        top1_agreement=_top1_agreement(dense, pruned, clusters),
        kl_by_transition={name: kl[name] for name in transitions},
        induced_by_kl=_induced_by_kl(divergence, known, transitions["induced_recognition_only"], clusters),
    )


def _mcnemar(dense: Flags, pruned: Flags, clusters: Clusters) -> McNemarTest:
    return McNemarTest(
        dense_only=int((dense & ~pruned).sum()),
        pruned_only=int((pruned & ~dense).sum()),
        p=clustered_mcnemar_p(dense, pruned, clusters),
        p_holm=None,
    )


def _mean_defined(values: NDArray[np.float64], items: Flags, clusters: Clusters) -> Rate:
    """Return the mean over those of the items [n] whose value is no NaN."""
    import numpy as np

    defined = items & ~np.isnan(values)
    return means({"mean": values[defined]}, clusters[defined], count=int(clusters.max()) + 1)["mean"]


def _top1_agreement(dense: Sequence[Outcome], pruned: Sequence[Outcome], clusters: Clusters) -> Rate:
    import numpy as np

    same = agreements([outcome.next_tokens for outcome in dense], [outcome.next_tokens for outcome in pruned])
    defined = ~np.isnan(same)
    return rate(same[defined] == 1, clusters[defined])


def _induced_by_kl(divergence: NDArray[np.float64], known: Flags, induced: Flags, clusters: Clusters) -> list[InducedAtKl]:
    """Return the rate of induced recognition-only errors in each third of the known items, by rising divergence."""
    import numpy as np

    places = np.flatnonzero(known & ~np.isnan(divergence))
    if len(places) < THIRDS:
        return []
    ordered = places[np.argsort(divergence[places], kind="stable")]
    found = []
    for part in np.array_split(ordered, THIRDS):
        share = rate(induced[part], clusters[part])
        low, high = float(divergence[part[0]]), float(divergence[part[-1]])
        found.append(InducedAtKl(low, high, len(part), int(induced[part].sum()), share.value, share.ci))
    return found


def _known_ranks(dense: Sequence[Outcome], pruned: Sequence[Outcome]) -> KnownRanks:
    known = [(before, after) for before, after in zip(dense, pruned, strict=True) if before.produced]
    return KnownRanks(
        dense=distribution([before.gold_rank for before, _ in known]),
        pruned=distribution([after.gold_rank for _, after in known]),
    )


def _logprob_drop(dense: Sequence[Outcome], pruned: Sequence[Outcome], clusters: Clusters) -> LogprobDrop:
    import numpy as np

    drops = np.array([_item_logprob_drop(before, after) for before, after in zip(dense, pruned, strict=True)], dtype=float)
    defined = ~np.isnan(drops)
    return LogprobDrop(
        n=int(defined.sum()),
        median=float(np.median(drops[defined])) if defined.any() else None,
        mean=means({"mean": drops[defined]}, clusters[defined], count=int(clusters.max()) + 1)["mean"],
    )


def _item_logprob_drop(dense: Outcome, pruned: Outcome) -> float | None:
    """Return the drop of a known item in nats, else None (NaN in an array)."""
    if not dense.produced or dense.gold_logprob is None or pruned.gold_logprob is None:
        return None
    return dense.gold_logprob - pruned.gold_logprob
