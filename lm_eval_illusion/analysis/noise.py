"""The noise floor: the flips between two runs of the same dense model, which mean nothing, and which effects clear it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.analysis.arrays import Columns, Rate, columns_of, means, rate
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.outcomes import POOLED, Outcome

if TYPE_CHECKING:
    from lm_eval_illusion.analysis.arrays import Flags

Noise = dict[str, Any]
CHANGES = {"production": "production_change", "recognition": "recognition_change", "gap": "gap_change"}


def noise_floor(first: Sequence[Outcome], second: Sequence[Outcome]) -> Noise:
    """The flips between two dense runs of the same items: `noise` of report.json.

    Raises:
        UserError: a run is pruned or holds several variants, they are of different models, or were asked different items.
    """
    _check_dense([*first, *second])
    rows: dict[tuple[str, str, str], list[tuple[Outcome, Outcome]]] = defaultdict(list)
    for one, other in _same_items(first, second):
        for language in (POOLED, one.language):
            rows[one.variant.base_model, one.family, language].append((one, other))
    names = ("base_model", "family", "language")
    ordered = sorted(rows.items(), key=lambda row: (row[0][:2], row[0][2] != POOLED, row[0][2]))
    return {
        "runs": sorted({outcome.run for outcome in first}) + sorted({outcome.run for outcome in second}),
        "rows": [{**dict(zip(names, key, strict=True)), **_row(pairs)} for key, pairs in ordered],
    }


def mark_noise(rows: Sequence[dict[str, Any]], noise: Noise) -> None:
    """Fill `clears_noise` of every row that was compared with the dense model and has a noise row of its own.

    A change clears the floor if its interval's bound nearest to zero is farther from zero than the upper bound of the share of items that
    flip between the dense runs: then not even flips all in one direction could make it. None where an interval is undefined.
    """
    floors = {(row["base_model"], row["family"], row["language"]): row for row in noise["rows"]}
    for row in rows:
        floor = floors.get((row["base_model"], row["family"], row["language"]))
        if row["vs_dense"] and floor:
            row["vs_dense"]["clears_noise"] = {
                name: clears(row["vs_dense"][change], floor[name]["flips"]) for name, change in CHANGES.items()
            }


def clears(change: Rate, flips: Rate) -> bool | None:
    """Whether a change is beyond the flips; None where either has no interval."""
    if change["ci"] is None or flips["ci"] is None:
        return None
    low, high = change["ci"]
    nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return bool(nearest > flips["ci"][1])


def _check_dense(outcomes: Sequence[Outcome]) -> None:
    models = sorted({(o.variant.base_model, o.variant.variant) for o in outcomes})
    if len({model for model, _ in models}) > 1 or not all(o.variant.is_dense for o in outcomes):
        named = ", ".join(f"{variant} of {model}" for model, variant in models)
        raise UserError(f"--noise takes two runs of one dense model, not {named}: run it twice with pruner=none")


def _same_items(first: Sequence[Outcome], second: Sequence[Outcome]) -> list[tuple[Outcome, Outcome]]:
    one, other = ({(o.family, o.language, o.id): o for o in run} for run in (first, second))
    if one.keys() != other.keys():
        raise UserError(
            f"the two runs of --noise ask different items ({len(one.keys() - other.keys())} only in the first,"
            f" {len(other.keys() - one.keys())} only in the second): run both with the same tasks and --limit"
        )
    return [(one[key], other[key]) for key in sorted(one)]


def _row(pairs: Sequence[tuple[Outcome, Outcome]]) -> dict[str, Any]:
    first, second = columns_of([one for one, _ in pairs]), columns_of([other for _, other in pairs])
    gap_of_first, gap_of_second = (one.recognised * 1 - one.produced for one in (first, second))
    return {
        "n": len(pairs),
        "production": _flips(first.produced, second.produced, first),
        "recognition": _flips(first.recognised, second.recognised, first),
        "gap": {"flips": rate(gap_of_first != gap_of_second, first.clusters)},
        **means({"gap_change": gap_of_second - gap_of_first}, first.clusters),
    }


def _flips(first: Flags, second: Flags, columns: Columns) -> dict[str, Any]:
    return {
        "first_only": int((first & ~second).sum()),
        "second_only": int((second & ~first).sum()),
        "flips": rate(first != second, columns.clusters),
    }
