"""The tables of a report as text cells, the same on the terminal and in Markdown."""

from __future__ import annotations

from typing import Any

from lm_eval_illusion.crosstab import POOLED

UNDEFINED = "–"

COLUMNS = {
    "n": "items asked",
    "recognition": "share of items whose gold choice has the strictly highest score of the four",
    "blind": "the question-blind baseline: recognition with question and passage removed. What stands above 25 the options give away",
    "in passage": "open-book items: expected recognition of who picks an option that stands in the passage",
    "production": "share of items whose greedy open answer matches the answer or an alias",
    "gap": "the illusion gap: recognition minus production, in points",
    "rec-only": "recognition-only rate: share of all items recognised but not produced, with its 95 % interval",
    "beam": "share of the recognition-only errors that one of the best beams answers",
    "oneshot": "the same for the greedy answer after one in-context example",
    "sample": "the same for one of the samples",
    "any": "the same for any of these three strategies",
    "candidates": "the same for the greedy answer with the four options shown, the answer among them: not counted in any",
    "w/o gold": "its control: the same with the three distractors alone",
    "gold rank": "median rank of the gold answer's first token after the open prompt, over the recognition-only errors",
    "demoted": "share of the recognition-only errors that a strategy recovers or whose gold rank is at most 10; the rest is erased",
}


def variant_rows(report: dict[str, Any]) -> list[list[str]]:
    """A row a variant and family: names, then COLUMNS, over all languages."""
    return [[row["variant"], row["family"], *_cells(row)] for row in report["rows"] if row["language"] == POOLED]


def language_rows(report: dict[str, Any], base_model: str, variant: str) -> list[list[str]]:
    """A row a language of one variant: family and language, then COLUMNS."""
    return [
        [row["language"], row["family"], *_cells(row)]
        for row in report["rows"]
        if (row["base_model"], row["variant"]) == (base_model, variant) and row["language"] != POOLED
    ]


def variants_of(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Base model and variant, in the report's order."""
    return list(dict.fromkeys((row["base_model"], row["variant"]) for row in report["rows"]))


def percent(value: float | None) -> str:
    """0.2784 -> '27.8'; what is undefined is a dash."""
    return UNDEFINED if value is None else f"{100 * value:.1f}"


def _cells(row: dict[str, Any]) -> list[str]:
    strategies = ("beam", "oneshot", "sample", "any", "candidates")
    recovery = [percent(row["recovery"].get(name, {}).get("value")) for name in strategies]
    rank = row["gold_rank"]["median"]
    return [
        str(row["n"]),
        percent(row["recognition_accuracy"]["value"]),
        percent(row["question_blind"]["value"]),
        percent(row["in_passage"]),
        percent(row["production_accuracy"]["value"]),
        percent(row["illusion_gap"]["value"]),
        _with_interval(row["recognition_only_rate"]),
        *recovery,
        percent(row["candidates_without_gold"]["value"]),
        UNDEFINED if rank is None else f"{rank:g}",
        percent(row["demoted"]["value"]),
    ]


def _with_interval(rate: dict[str, Any]) -> str:
    if rate["ci"] is None:
        return UNDEFINED
    return f"{percent(rate['value'])} [{percent(rate['ci'][0])}, {percent(rate['ci'][1])}]"
