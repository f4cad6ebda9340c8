"""Cross-tabulation of outcomes: counts and rates of every variant, family and language, the numbers of report.json (schema 1)."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from lm_eval_illusion.analysis.arrays import OutcomeArrays, means, outcome_arrays, rate
from lm_eval_illusion.analysis.calibration_language import by_calibration_language
from lm_eval_illusion.analysis.dense_comparison import correct_over_languages, versus_dense
from lm_eval_illusion.analysis.failure_modes import failure_rates
from lm_eval_illusion.analysis.judge_agreement import agreements
from lm_eval_illusion.analysis.leaderboard import leaderboard
from lm_eval_illusion.analysis.match_rules import exact_match_rates, match_rules
from lm_eval_illusion.analysis.noise import mark_noise
from lm_eval_illusion.analysis.records import DenseComparison, ItemCount, Noise, Rate, Report, Row, VariantEntry, report_json
from lm_eval_illusion.analysis.recovery import demoted_and_erased, recovery, recovery_by_rank, share, summary
from lm_eval_illusion.analysis.validity import with_validity
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.outcomes import POOLED, WITHOUT_LANGUAGE, Outcome
from lm_eval_illusion.results.rules_version import rules_version_of
from lm_eval_illusion.results.variants import Variant

SCHEMA = 1
UNKNOWN_IDENTITIES = ("", "None")


class RowKey(NamedTuple):
    """The names that all outcomes of a row share; `language` is POOLED in a row over all languages."""

    base_model: str
    variant: str
    family: str
    language: str
    answer_type: str | None = None


def cross_tabulate(
    outcomes: Sequence[Outcome], recognition: str = "acc", production: str = "match", noise: Noise | None = None
) -> dict[str, Any]:
    """Return the report of these outcomes as the plain dictionary of report.json; see `tabulate`.

    Raises:
        UserError: A variant has two outcomes of one item and language, its outcomes come from two different checkpoints, or answers were
            judged by two versions of the matching rules.
    """
    return report_json(tabulate(outcomes, recognition, production, noise))


def tabulate(
    outcomes: Sequence[Outcome], recognition: str = "acc", production: str = "match", noise: Noise | None = None
) -> Report:
    """Return the report of these outcomes.

    It has a row for each variant, family and language, and a pooled row for each variant and family. Pruned variants are compared with
    the dense model of the same base model. The order of the outcomes does not change the report.

    Args:
        outcomes: Outcomes of any number of variants, families and languages.
        recognition: Name of the metric that `recognised` was read from.
        production: Name of the metric that `produced` was read from.
        noise: The result of `noise_floor`; with it, each change is marked as clearing the noise floor or not.

    Raises:
        UserError: A variant has two outcomes of one item and language, its outcomes come from two different checkpoints, or answers were
            judged by two versions of the matching rules.
    """
    _check_unique(outcomes)
    rows = with_validity(_with_holm(_rows(_grouped(outcomes, _language_keys))), outcomes)
    if noise:
        rows = mark_noise(rows, noise)
    variants = _variants(outcomes)
    return Report(
        schema=SCHEMA,
        recognition_metric=recognition,
        production_metric=production,
        variants=variants,
        rows=rows,
        answer_type_rows=with_validity(_answer_type_rows(outcomes), outcomes),
        leaderboard=leaderboard(rows, variants),
        calibration_languages=by_calibration_language(rows, variants),
        noise=noise,
        rules_version=rules_version_of(outcomes),
    )


def row_of(key: RowKey, outcomes: Sequence[Outcome], dense: Sequence[Outcome] = ()) -> Row:
    """Return the numbers of one row.

    Recovery, its control `candidates_without_gold`, gold rank, demoted and erased are over the recognition-only errors; the baselines
    `question_blind` and `in_passage` are over all items; `vs_dense` is over the items that are also in `dense`, the outcomes of the
    dense model.
    """
    arrays = outcome_arrays(outcomes)
    errors = [outcome for outcome in outcomes if outcome.recognised and not outcome.produced]
    only_recognised = arrays.recognised & ~arrays.produced
    demoted, erased = demoted_and_erased(errors)
    exact, beyond_exact = exact_match_rates(outcomes, arrays)
    return Row(
        base_model=key.base_model,
        variant=key.variant,
        family=key.family,
        language=key.language,
        answer_type=key.answer_type,
        n=len(outcomes),
        invalid=sum(outcome.invalid for outcome in outcomes),
        cells=arrays.class_counts,
        recognition_accuracy=rate(arrays.recognised, arrays.clusters),
        production_accuracy=rate(arrays.produced, arrays.clusters),
        illusion_gap=_illusion_gap(arrays),
        recognition_only_rate=rate(only_recognised, arrays.clusters),
        recognition_only_share=rate(only_recognised[arrays.recognised], arrays.clusters[arrays.recognised]),
        recovery=recovery(outcomes, errors),
        recovery_by_rank=recovery_by_rank(errors),
        gold_rank=summary(outcome.gold_rank for outcome in errors),
        demoted=demoted,
        erased=erased,
        candidates_without_gold=share([outcome.said_without_gold for outcome in errors], errors),
        question_blind=share([outcome.question_blind for outcome in outcomes], outcomes),
        in_passage=_in_passage(outcomes),
        vs_dense=versus_dense(dense, outcomes),
        failure_modes=failure_rates(outcomes),
        judges=agreements(outcomes),
        exact_match=exact,
        beyond_exact=beyond_exact,
        match_rules=match_rules(outcomes),
        asked_otherwise=_asked_otherwise(outcomes),
    )


def outcome_class_of(outcome: Outcome) -> str:
    """Return the outcome class of an item: both, recognition_only, production_only or neither."""
    if outcome.recognised:
        return "both" if outcome.produced else "recognition_only"
    return "production_only" if outcome.produced else "neither"


def _illusion_gap(arrays: OutcomeArrays) -> Rate:
    return means({"gap": arrays.recognised * 1.0 - arrays.produced}, arrays.clusters)["gap"]


def _in_passage(outcomes: Sequence[Outcome]) -> float | None:
    """Return the expected accuracy of picking an option that occurs in the passage."""
    chances = [outcome.in_passage for outcome in outcomes if outcome.in_passage is not None]
    return statistics.fmean(chances) if chances else None


def _asked_otherwise(outcomes: Sequence[Outcome]) -> ItemCount | None:
    known = [outcome.asked_otherwise for outcome in outcomes if outcome.asked_otherwise is not None]
    return ItemCount(sum(known), sum(known) / len(known)) if known else None


def _check_unique(outcomes: Sequence[Outcome]) -> None:
    """Check that no name stands for two checkpoints, whatever language or task they answered, and no outcome is there twice."""
    first_of_name: dict[tuple[str, str], Outcome] = {}
    # Some backends state no identity for a model in a local folder.
    for outcome in (outcome for outcome in outcomes if outcome.variant.identity not in UNKNOWN_IDENTITIES):
        first = first_of_name.setdefault(outcome.variant.key, outcome)
        if first.variant.identity != outcome.variant.identity:
            raise UserError(
                f"{first.run} and {outcome.run} are runs of different checkpoints of the name {outcome.variant.variant} of"
                f" {outcome.variant.base_model} ({first.variant.identity[:12]} and {outcome.variant.identity[:12]}): report them one at"
                " a time"
            )
    seen = set()
    for outcome in outcomes:
        key = (outcome.variant.base_model, outcome.variant.variant, outcome.family, outcome.language, outcome.id)
        if key in seen:
            raise UserError(
                f"item {outcome.id} of {outcome.family} in {outcome.language} is twice in {outcome.variant.variant} of"
                f" {outcome.variant.base_model}: give each run once"
            )
        seen.add(key)


def _language_keys(outcome: Outcome) -> Iterable[RowKey]:
    """Yield the keys of the rows that an outcome belongs to: the pooled row, and the row of its language if it has one."""
    pooled = RowKey(outcome.variant.base_model, outcome.variant.variant, outcome.family, POOLED)
    yield pooled
    if outcome.language != WITHOUT_LANGUAGE:
        yield pooled._replace(language=outcome.language)


def _answer_type_keys(outcome: Outcome) -> Iterable[RowKey]:
    """Yield the key of the row of an outcome's answer type, over all languages."""
    if outcome.answer_type:
        yield RowKey(outcome.variant.base_model, outcome.variant.variant, outcome.family, POOLED, outcome.answer_type)


def _grouped(outcomes: Sequence[Outcome], keys_of: Callable[[Outcome], Iterable[RowKey]]) -> Mapping[RowKey, Sequence[Outcome]]:
    groups: dict[RowKey, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        for key in keys_of(outcome):
            groups[key].append(outcome)
    return groups


def _rows(groups: Mapping[RowKey, Sequence[Outcome]]) -> list[Row]:
    """Return a row for each group, the pooled one of a variant first; each compared with the same group of the dense model."""
    dense = {key._replace(variant=""): group for key, group in groups.items() if group[0].variant.is_dense}
    rows = []
    for key in sorted(groups, key=lambda key: _row_order(key, groups[key][0].variant)):
        group = groups[key]
        rows.append(row_of(key, group, () if group[0].variant.is_dense else dense.get(key._replace(variant=""), ())))
    return rows


def _row_order(key: RowKey, variant: Variant) -> tuple[Any, ...]:
    return key.base_model, variant.sort_key, key.family, key.language != POOLED, key.language, key.answer_type or ""


def _answer_type_rows(outcomes: Sequence[Outcome]) -> list[Row]:
    """Return a row for each variant, family and answer type, over all languages; none where there is only one answer type."""
    groups = _grouped(outcomes, _answer_type_keys)
    if len({key.answer_type for key in groups}) < 2:
        return []
    return _rows(groups)


def _with_holm(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with p-values that are corrected over the languages of a variant and family."""
    groups: dict[tuple[str, str, str], list[tuple[int, DenseComparison]]] = defaultdict(list)
    for index, row in enumerate(rows):
        if row.language != POOLED and row.vs_dense:
            groups[row.base_model, row.variant, row.family].append((index, row.vs_dense))
    corrected = list(rows)
    for group in groups.values():
        comparisons = correct_over_languages([comparison for _, comparison in group])
        for (index, _), comparison in zip(group, comparisons, strict=True):
            corrected[index] = replace(rows[index], vs_dense=comparison)
    return corrected


def _variants(outcomes: Sequence[Outcome]) -> list[VariantEntry]:
    runs: dict[Variant, set[str]] = defaultdict(set)
    for outcome in outcomes:
        runs[outcome.variant].add(outcome.run)
    ordered = sorted(runs, key=lambda variant: (variant.base_model, variant.sort_key, variant.identity))
    return [_variant_entry(variant, sorted(runs[variant])) for variant in ordered]


def _variant_entry(variant: Variant, runs: list[str]) -> VariantEntry:
    settings: dict[str, Any] = variant.columns()
    return VariantEntry(**settings, runs=runs)
