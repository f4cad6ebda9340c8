"""The data of the item browser in report.html: each item with its options and the responses of every variant."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from lm_eval_illusion.analysis.crosstab import outcome_class_of
from lm_eval_illusion.analysis.dense_comparison import transition_of
from lm_eval_illusion.results.item_texts import ItemKey, ItemTexts
from lm_eval_illusion.results.outcomes import Outcome

MOST_ROWS = 50_000
"""Largest number of rows, each an item of a variant: a browser filters them without delay, and they add about 10 MB to the file."""


def item_browser(outcomes: Sequence[Outcome], texts: ItemTexts) -> dict[str, Any]:
    """Return the items of the sample and, for each variant, a row with outcome class, transition, scores and outputs.

    `texts`: the sample, collected while the outcomes were read. `left_out`: how many outcomes are not in it.
    """
    keys = dict.fromkeys(map(_key, outcomes))
    items = {key: item for key in keys if (item := texts.item(key)) is not None}
    index = {key: number for number, key in enumerate(items)}
    dense = {(outcome.variant.base_model, _key(outcome)): outcome for outcome in outcomes if outcome.variant.is_dense}
    rows = [
        _row(outcome, index[_key(outcome)], dense.get((outcome.variant.base_model, _key(outcome))), texts)
        for outcome in outcomes
        if _key(outcome) in index
    ]
    return {"items": [dataclasses.asdict(item) for item in items.values()], "rows": rows, "left_out": len(outcomes) - len(rows)}


def _key(outcome: Outcome) -> ItemKey:
    return outcome.family, outcome.language, outcome.id


def _row(outcome: Outcome, item: int, dense: Outcome | None, texts: ItemTexts) -> dict[str, Any]:
    answers = texts.answers(outcome.variant, _key(outcome))
    return {
        "item": item,
        "base_model": outcome.variant.base_model,
        "variant": outcome.variant.variant,
        "cell": outcome_class_of(outcome),
        "transition": None if dense is None or outcome.variant.is_dense else transition_of(dense, outcome),
        "scores": list(answers.scores),
        "gold_rank": outcome.gold_rank,
        "outputs": {view: list(outputs) for view, outputs in answers.outputs.items()},
    }
