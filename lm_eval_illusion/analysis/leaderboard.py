"""The leaderboard: variants ranked by production accuracy, and the rank error of a ranking by recognition accuracy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lm_eval_illusion.analysis.records import LeaderboardEntry, Rate, Row, VariantEntry
from lm_eval_illusion.results.outcomes import POOLED


def leaderboard(rows: Sequence[Row], variants: Sequence[VariantEntry]) -> list[LeaderboardEntry]:
    """Rank the pooled rows within each family, best production accuracy first; equal rates share the lower rank.

    `rank_error` is the rank by recognition minus the rank by production: -2 means that recognition alone ranks the variant two
    ranks too high.
    """
    sparsity = {(entry.base_model, entry.variant): entry.sparsity_measured for entry in variants}
    pooled = [row for row in rows if row.language == POOLED]
    entries = [
        _entry(row, [other for other in pooled if other.family == row.family], sparsity.get((row.base_model, row.variant)))
        for row in pooled
    ]
    return sorted(entries, key=lambda e: (e.family, e.rank_by_production, e.rank_by_recognition, e.base_model, e.variant))


def _entry(row: Row, rivals: Sequence[Row], sparsity: float | None) -> LeaderboardEntry:
    by_production = _rank(row, rivals, lambda rival: rival.production_accuracy)
    by_recognition = _rank(row, rivals, lambda rival: rival.recognition_accuracy)
    return LeaderboardEntry(
        base_model=row.base_model,
        variant=row.variant,
        family=row.family,
        sparsity_measured=sparsity,
        production=row.production_accuracy,
        recognition=row.recognition_accuracy,
        recognition_only_rate=row.recognition_only_rate,
        rank_by_production=by_production,
        rank_by_recognition=by_recognition,
        rank_error=by_recognition - by_production,
        validity=row.validity,
    )


def _rank(row: Row, rivals: Sequence[Row], accuracy: Callable[[Row], Rate]) -> int:
    """Return 1 plus the number of rivals with a higher accuracy. A row has at least one outcome, so its accuracies are defined."""
    own = accuracy(row).value or 0.0
    return 1 + sum((accuracy(rival).value or 0.0) > own for rival in rivals)
