"""Outcomes -> counts and rates: pure functions, the numbers of report.json (schema 1)."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from lm_eval_illusion.outcomes import Outcome, Variant
from lm_eval_illusion.statistics import paired_difference_interval, wilson_interval

SCHEMA = 1
POOLED = "all"
RANK_OF_DEMOTED = 10
"""A gold answer whose first token still ranks this high is demoted, not erased."""
SHOWS_THE_ANSWER = "candidates"
"""The strategy with the answer in its prompt: left out of `any` and `demoted`, which ask whether the model still has it."""

Rate = dict[str, Any]
"""{"value": float | None, "ci": [low, high] | None}; None where the denominator is empty."""


def cross_tabulate(outcomes: Sequence[Outcome], recognition: str = "acc") -> dict[str, Any]:
    """The report of these outcomes: a row a variant, family and language, and a pooled row a variant and family.

    `recognition` names the metric that the outcomes' `recognised` was read from.
    """
    by_row: dict[tuple[str, str, str, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        variant = outcome.variant
        for language in (POOLED, outcome.language):
            by_row[variant.base_model, variant.variant, outcome.family, language].append(outcome)
    names = ("base_model", "variant", "family", "language")
    ordered = sorted(
        by_row.items(),
        key=lambda row: (row[0][0], _order(row[1][0].variant), row[0][2], row[0][3] != POOLED, row[0][3]),
    )
    return {
        "schema": SCHEMA,
        "recognition_metric": recognition,
        "production_metric": "match",
        "variants": _variants(outcomes),
        "rows": [{**dict(zip(names, key, strict=True)), **row_of(group)} for key, group in ordered],
    }


def row_of(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The numbers of one row. Recovery, its control `candidates_without_gold`, gold rank, demoted and erased are taken over
    the recognition-only errors; the baselines `question_blind` and `in_passage` over all items.
    """
    n = len(outcomes)
    cells = Counter(cell_of(outcome) for outcome in outcomes)
    recognised = cells["both"] + cells["recognition_only"]
    errors = [outcome for outcome in outcomes if cell_of(outcome) == "recognition_only"]
    demoted, erased = _demoted(errors)
    return {
        "n": n,
        "invalid": sum(outcome.invalid for outcome in outcomes),
        "cells": {cell: cells[cell] for cell in ("both", "recognition_only", "production_only", "neither")},
        "recognition_accuracy": rate(recognised, n),
        "production_accuracy": rate(cells["both"] + cells["production_only"], n),
        "illusion_gap": _gap(cells),
        "recognition_only_rate": rate(cells["recognition_only"], n),
        "recognition_only_share": rate(cells["recognition_only"], recognised),
        "recovery": _recovery(outcomes, errors),
        "gold_rank": _gold_rank(errors),
        "demoted": demoted,
        "erased": erased,
        "candidates_without_gold": _share([outcome.said_without_gold for outcome in errors]),
        "question_blind": _share([outcome.question_blind for outcome in outcomes]),
        "in_passage": _in_passage(outcomes),
        "vs_dense": None,
    }


def cell_of(outcome: Outcome) -> str:
    """The item's cell: both, recognition_only, production_only or neither."""
    if outcome.recognised:
        return "both" if outcome.produced else "recognition_only"
    return "production_only" if outcome.produced else "neither"


def rate(successes: int, n: int) -> Rate:
    """A share with its Wilson interval; both None of nothing."""
    interval = wilson_interval(successes, n)
    return {"value": successes / n if n else None, "ci": list(interval) if interval else None}


def _share(answers: Sequence[bool | None]) -> Rate:
    """The share of the yes over the known."""
    known = [answer for answer in answers if answer is not None]
    return rate(sum(known), len(known))


def _in_passage(outcomes: Sequence[Outcome]) -> float | None:
    """The expected accuracy of picking an option that stands in the passage: a fact of the items, so without an interval."""
    chances = [outcome.in_passage for outcome in outcomes if outcome.in_passage is not None]
    return statistics.fmean(chances) if chances else None


def is_demoted(outcome: Outcome) -> bool:
    """Whether a strategy that does not show the answer brings it back or its first token still ranks at most 10."""
    return any(_unaided(outcome).values()) or (outcome.gold_rank is not None and outcome.gold_rank <= RANK_OF_DEMOTED)


def _unaided(outcome: Outcome) -> dict[str, bool]:
    return {strategy: hit for strategy, hit in outcome.recovered.items() if strategy != SHOWS_THE_ANSWER}


def _demoted(errors: Sequence[Outcome]) -> tuple[Rate, Rate]:
    """The shares of demoted and of erased errors, over those that a strategy was tried on or that have a rank."""
    known = [outcome for outcome in errors if _unaided(outcome) or outcome.gold_rank is not None]
    demoted = sum(map(is_demoted, known))
    return rate(demoted, len(known)), rate(len(known) - demoted, len(known))


def _gap(cells: Counter[str]) -> Rate:
    n = cells.total()
    interval = paired_difference_interval(cells["both"], cells["recognition_only"], cells["production_only"], cells["neither"])
    value = (cells["recognition_only"] - cells["production_only"]) / n if n else None
    return {"value": value, "ci": list(interval) if interval else None}


def _recovery(outcomes: Sequence[Outcome], errors: Sequence[Outcome]) -> dict[str, Any]:
    """Where languages ran different views, a strategy counts over the errors it was tried on."""
    strategies = sorted({strategy for outcome in outcomes for strategy in outcome.recovered})
    by_strategy = {
        strategy: [outcome.recovered[strategy] for outcome in errors if strategy in outcome.recovered]
        for strategy in strategies
    }
    if any(strategy != SHOWS_THE_ANSWER for strategy in strategies):
        by_strategy["any"] = [any(_unaided(outcome).values()) for outcome in errors if _unaided(outcome)]
    return {
        strategy: {"n": len(hits), "recovered": sum(hits), **rate(sum(hits), len(hits))}
        for strategy, hits in by_strategy.items()
    }


def _gold_rank(errors: Sequence[Outcome]) -> dict[str, float | None]:
    ranks = sorted(outcome.gold_rank for outcome in errors if outcome.gold_rank is not None)
    if not ranks:
        return {"median": None, "p90": None, "share_at_most_10": None}
    return {
        "median": statistics.median(ranks),
        # The smallest rank that at least 90 % do not exceed.
        "p90": ranks[math.ceil(0.9 * len(ranks)) - 1],
        "share_at_most_10": sum(rank <= RANK_OF_DEMOTED for rank in ranks) / len(ranks),
    }


def _variants(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    runs: dict[Variant, set[str]] = defaultdict(set)
    for outcome in outcomes:
        runs[outcome.variant].add(outcome.run)
    shown = ("base_model", "variant", "pruner", "sparsity_requested", "sparsity_measured", "mask_structure")
    ordered = sorted(runs, key=lambda variant: (variant.base_model, _order(variant), variant.identity))
    return [{**{name: getattr(variant, name) for name in shown}, "runs": sorted(runs[variant])} for variant in ordered]


def _order(variant: Variant) -> tuple[bool, str, float, str]:
    """Dense first, then by method and sparsity."""
    return variant.pruner != "none", variant.pruner, variant.sparsity_requested or 0.0, variant.variant
