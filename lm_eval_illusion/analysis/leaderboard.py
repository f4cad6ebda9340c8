"""The leaderboard: variants ranked by what they say, and by how many ranks recognition alone would have been wrong."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from lm_eval_illusion.results.outcomes import POOLED

RATES = ("production", "recognition", "recognition_only_rate")
FIELDS = (
    *("rank_by_production", "base_model", "variant", "family", "sparsity_measured"),
    *(f"{name}{part}" for name in RATES for part in ("", "_low", "_high")),
    *("rank_by_recognition", "rank_error"),
)


def leaderboard(rows: Sequence[dict[str, Any]], variants: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pooled rows of each family, best production first.

    Equal rates share the lower rank. `rank_error` is the rank by recognition minus the rank by production: -2 says that recognition
    alone puts the variant two places too high.
    """
    sparsity = {(entry["base_model"], entry["variant"]): entry["sparsity_measured"] for entry in variants}
    pooled = [row for row in rows if row["language"] == POOLED]
    board = [_entry(row, [other for other in pooled if other["family"] == row["family"]], sparsity) for row in pooled]
    return sorted(
        board,
        key=lambda one: (
            one["family"],
            one["rank_by_production"],
            one["rank_by_recognition"],
            one["base_model"],
            one["variant"],
        ),
    )


def leaderboard_csv(board: Sequence[dict[str, Any]]) -> str:
    """A line a variant with the fields FIELDS; shares from 0 to 1; what is undefined is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_flat(entry) for entry in board)
    return text.getvalue()


def _entry(row: dict[str, Any], rivals: Sequence[dict[str, Any]], sparsity: dict[tuple[str, str], Any]) -> dict[str, Any]:
    by_production = _rank(row, rivals, "production_accuracy")
    by_recognition = _rank(row, rivals, "recognition_accuracy")
    return {
        **{name: row[name] for name in ("base_model", "variant", "family")},
        "sparsity_measured": sparsity.get((row["base_model"], row["variant"])),
        "production": row["production_accuracy"],
        "recognition": row["recognition_accuracy"],
        "recognition_only_rate": row["recognition_only_rate"],
        "rank_by_production": by_production,
        "rank_by_recognition": by_recognition,
        "rank_error": by_recognition - by_production,
    }


def _rank(row: dict[str, Any], rivals: Sequence[dict[str, Any]], rate: str) -> int:
    better = [rival for rival in rivals if rival[rate]["value"] > row[rate]["value"]]
    return 1 + len(better)


def _flat(entry: dict[str, Any]) -> dict[str, Any]:
    flat = {name: entry[name] for name in FIELDS if name in entry and name not in RATES}
    for name in RATES:
        low, high = entry[name]["ci"] or (None, None)
        flat |= {name: entry[name]["value"], f"{name}_low": low, f"{name}_high": high}
    return flat
