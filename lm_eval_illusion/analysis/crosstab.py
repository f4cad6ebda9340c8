"""Outcomes -> counts and rates: pure functions, the numbers of report.json (schema 1)."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lm_eval_illusion.analysis.arrays import Columns, columns_of, means, rate
from lm_eval_illusion.analysis.calibration_language import by_calibration_language
from lm_eval_illusion.analysis.dense_comparison import correct_over_languages, versus_dense
from lm_eval_illusion.analysis.leaderboard import leaderboard
from lm_eval_illusion.analysis.noise import Noise, mark_noise
from lm_eval_illusion.analysis.recovery import demoted_and_erased, recovery, recovery_by_rank, share, summary
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.outcomes import POOLED, WITHOUT_LANGUAGE, Outcome
from lm_eval_illusion.results.variants import Variant

SCHEMA = 1

Groups = Mapping[tuple[str, str, str, str], Sequence[Outcome]]
"""(base model, variant, family, language or answer type) -> the outcomes of a row."""


def cross_tabulate(
    outcomes: Sequence[Outcome], recognition: str = "acc", production: str = "match", noise: Noise | None = None
) -> dict[str, Any]:
    """The report of these outcomes: a row a variant, family and language, and a pooled row a variant and family.

    `recognition` and `production` name the metrics that `recognised` and `produced` were read from. `noise`: of `noise_floor`, to mark
    the changes that do not clear it.

    Raises:
        UserError: a variant has two outcomes of one item and language.
    """
    _check_once(outcomes)
    by_language = _grouped(outcomes, _languages_of)
    rows = _rows(by_language, "language")
    for group in _of_one_variant(rows):
        correct_over_languages([row for row in group if row["language"] != POOLED])
    if noise:
        mark_noise(rows, noise)
    variants = _variants(outcomes)
    return {
        "schema": SCHEMA,
        "recognition_metric": recognition,
        "production_metric": production,
        "variants": variants,
        "rows": rows,
        "answer_type_rows": _answer_type_rows(outcomes),
        "leaderboard": leaderboard(rows, variants),
        "calibration_languages": by_calibration_language(rows, variants),
        "noise": noise,
    }


def row_of(outcomes: Sequence[Outcome], dense: Sequence[Outcome] = ()) -> dict[str, Any]:
    """The numbers of one row. Recovery, its control `candidates_without_gold`, gold rank, demoted and erased are taken over
    the recognition-only errors; the baselines `question_blind` and `in_passage` over all items; `vs_dense` over the items that `dense`,
    the outcomes of the dense model, has too.
    """
    columns = columns_of(outcomes)
    errors = [outcome for outcome in outcomes if outcome.recognised and not outcome.produced]
    demoted, erased = demoted_and_erased(errors)
    return {
        "n": len(outcomes),
        "invalid": sum(outcome.invalid for outcome in outcomes),
        "cells": columns.cells,
        **_accuracies(columns),
        "recovery": recovery(outcomes, errors),
        "recovery_by_rank": recovery_by_rank(errors),
        "gold_rank": summary(outcome.gold_rank for outcome in errors),
        "demoted": demoted,
        "erased": erased,
        "candidates_without_gold": share([outcome.said_without_gold for outcome in errors], errors),
        "question_blind": share([outcome.question_blind for outcome in outcomes], outcomes),
        "in_passage": _in_passage(outcomes),
        "vs_dense": versus_dense(dense, outcomes),
    }


def cell_of(outcome: Outcome) -> str:
    """The item's cell: both, recognition_only, production_only or neither."""
    if outcome.recognised:
        return "both" if outcome.produced else "recognition_only"
    return "production_only" if outcome.produced else "neither"


def _accuracies(columns: Columns) -> dict[str, Any]:
    only_recognised = columns.recognised & ~columns.produced
    recognised = columns.recognised
    return {
        "recognition_accuracy": rate(recognised, columns.clusters),
        "production_accuracy": rate(columns.produced, columns.clusters),
        **means({"illusion_gap": columns.recognised * 1.0 - columns.produced}, columns.clusters),
        "recognition_only_rate": rate(only_recognised, columns.clusters),
        "recognition_only_share": rate(only_recognised[recognised], columns.clusters[recognised]),
    }


def _in_passage(outcomes: Sequence[Outcome]) -> float | None:
    """The expected accuracy of picking an option that stands in the passage: a fact of the items, so without an interval."""
    chances = [outcome.in_passage for outcome in outcomes if outcome.in_passage is not None]
    return statistics.fmean(chances) if chances else None


def _check_once(outcomes: Sequence[Outcome]) -> None:
    seen = set()
    for outcome in outcomes:
        key = (outcome.variant.base_model, outcome.variant.variant, outcome.family, outcome.language, outcome.id)
        if key in seen:
            raise UserError(
                f"item {outcome.id} of {outcome.family} in {outcome.language} is twice in {outcome.variant.variant} of"
                f" {outcome.variant.base_model}: give each run once"
            )
        seen.add(key)


def _languages_of(outcome: Outcome) -> Iterable[str]:
    return (POOLED,) if outcome.language == WITHOUT_LANGUAGE else (POOLED, outcome.language)


def _grouped(outcomes: Sequence[Outcome], parts_of: Any) -> Groups:
    groups: dict[tuple[str, str, str, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        for part in parts_of(outcome):
            groups[outcome.variant.base_model, outcome.variant.variant, outcome.family, part].append(outcome)
    return groups


def _rows(groups: Groups, part: str) -> list[dict[str, Any]]:
    """A row a group, pooled ones first; each compared with the group of the dense model of the same base model."""
    dense = {(key[0], *key[2:]): group for key, group in groups.items() if group[0].variant.is_dense}
    names = ("base_model", "variant", "family", part)
    ordered = sorted(
        groups.items(), key=lambda row: (row[0][0], row[1][0].variant.sort_key, row[0][2], row[0][3] != POOLED, row[0][3])
    )
    return [
        {
            **dict(zip(names, key, strict=True)),
            **row_of(group, () if group[0].variant.is_dense else dense.get((key[0], *key[2:]), ())),
        }
        for key, group in ordered
    ]


def _answer_type_rows(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """A row a variant, family and answer type (relation), over all languages; none where there is but one type."""
    typed = _grouped(outcomes, lambda outcome: (outcome.answer_type,) if outcome.answer_type else ())
    if len({key[3] for key in typed}) < 2:
        return []
    return [{**row, "language": POOLED} for row in _rows(typed, "answer_type")]


def _of_one_variant(rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["base_model"], row["variant"], row["family"]].append(row)
    return list(groups.values())


def _variants(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    runs: dict[Variant, set[str]] = defaultdict(set)
    for outcome in outcomes:
        runs[outcome.variant].add(outcome.run)
    ordered = sorted(runs, key=lambda variant: (variant.base_model, variant.sort_key, variant.identity))
    return [{**variant.columns(), "runs": sorted(runs[variant])} for variant in ordered]
