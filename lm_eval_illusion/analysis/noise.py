"""The noise floor: differences between two runs of the same dense model, and the test whether a change by pruning exceeds them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lm_eval_illusion.analysis.arrays import OutcomeArrays, means, outcome_arrays, rate
from lm_eval_illusion.analysis.records import Flips, GapFlips, Noise, NoiseRow, NoiseVerdict, Rate, Row
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.outcomes import POOLED, Outcome

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lm_eval_illusion.analysis.arrays import Flags


def noise_floor(first: Sequence[Outcome], second: Sequence[Outcome]) -> Noise:
    """Count the items that flip between two dense runs: a row for each base model, family and language, and over all languages.

    Raises:
        UserError: A run is pruned or has several variants, the runs are of different models, or their items differ.
    """
    _check_dense([*first, *second])
    pairs: dict[tuple[str, str, str], list[tuple[Outcome, Outcome]]] = defaultdict(list)
    for before, after in _paired(first, second):
        for language in (POOLED, before.language):
            pairs[before.variant.base_model, before.family, language].append((before, after))
    ordered = sorted(pairs.items(), key=lambda row: (row[0][:2], row[0][2] != POOLED, row[0][2]))
    return Noise(
        runs=sorted({outcome.run for outcome in first}) + sorted({outcome.run for outcome in second}),
        rows=[_noise_row(key, group) for key, group in ordered],
    )


def mark_noise(rows: Sequence[Row], noise: Noise) -> list[Row]:
    """Return the rows with `clears_noise` set where a row has a comparison with the dense model and a noise floor."""
    floors = {(floor.base_model, floor.family, floor.language): floor for floor in noise.rows}
    return [_marked(row, floors.get((row.base_model, row.family, row.language))) for row in rows]


def clears(change: Rate, flips: Rate) -> bool | None:
    """Return whether a change exceeds the noise floor; None where an interval is undefined.

    A change exceeds it if the bound of the change's interval nearest to zero is farther from zero than the upper bound of the share of
    items that flip between the dense runs. Then even flips that all go in one direction could not cause the change.
    """
    if change.ci is None or flips.ci is None:
        return None
    low, high = change.ci
    nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return bool(nearest > flips.ci[1])


def _marked(row: Row, floor: NoiseRow | None) -> Row:
    if row.vs_dense is None or floor is None:
        return row
    verdict = NoiseVerdict(
        production=clears(row.vs_dense.production_change, floor.production.flips),
        recognition=clears(row.vs_dense.recognition_change, floor.recognition.flips),
        gap=clears(row.vs_dense.gap_change, floor.gap.flips),
    )
    return replace(row, vs_dense=replace(row.vs_dense, clears_noise=verdict))


def _check_dense(outcomes: Sequence[Outcome]) -> None:
    models = sorted({(o.variant.base_model, o.variant.variant) for o in outcomes})
    if len({model for model, _ in models}) > 1 or not all(o.variant.is_dense for o in outcomes):
        named = ", ".join(f"{variant} of {model}" for model, variant in models)
        raise UserError(f"--noise takes two runs of one dense model, not {named}: run it twice with pruner=none")


def _paired(first: Sequence[Outcome], second: Sequence[Outcome]) -> list[tuple[Outcome, Outcome]]:
    """Pair the outcomes of the same item in both runs."""
    before, after = ({(o.family, o.language, o.id): o for o in run} for run in (first, second))
    if before.keys() != after.keys():
        raise UserError(
            f"the two runs of --noise have different items ({len(before.keys() - after.keys())} only in the first,"
            f" {len(after.keys() - before.keys())} only in the second): run both with the same tasks and --limit"
        )
    return [(before[key], after[key]) for key in sorted(before)]


def _noise_row(key: tuple[str, str, str], pairs: Sequence[tuple[Outcome, Outcome]]) -> NoiseRow:
    base_model, family, language = key
    before, after = outcome_arrays([first for first, _ in pairs]), outcome_arrays([second for _, second in pairs])
    gap_before, gap_after = _gaps(before), _gaps(after)
    return NoiseRow(
        base_model=base_model,
        family=family,
        language=language,
        n=len(pairs),
        production=_flips(before.produced, after.produced, before),
        recognition=_flips(before.recognised, after.recognised, before),
        gap=GapFlips(rate(gap_before != gap_after, before.clusters)),
        gap_change=means({"gap": gap_after - gap_before}, before.clusters)["gap"],
    )


def _gaps(arrays: OutcomeArrays) -> NDArray[np.int64]:
    """Return recognition minus production of each item: -1, 0 or 1."""
    return arrays.recognised * 1 - arrays.produced


def _flips(first: Flags, second: Flags, arrays: OutcomeArrays) -> Flips:
    return Flips(
        first_only=int((first & ~second).sum()),
        second_only=int((second & ~first).sum()),
        flips=rate(first != second, arrays.clusters),
    )
