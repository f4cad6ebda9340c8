"""The data of the item browser in report.html: each item with its options and the responses of every variant."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from lm_eval_illusion.analysis.crosstab import outcome_class_of
from lm_eval_illusion.analysis.dense_comparison import transition_of
from lm_eval_illusion.analysis.judge_agreement import RIGHT_BY_JUDGE, disagreement, judges_of
from lm_eval_illusion.escaping import for_utf8
from lm_eval_illusion.results.item_texts import ItemKey, ItemText, ItemTexts
from lm_eval_illusion.results.judge_files import Judge
from lm_eval_illusion.results.outcomes import Outcome

MOST_ROWS = 50_000
"""Largest number of rows, each an item of a variant: a browser filters them without delay, and they add about 10 MB to the file."""
MOST_CHARACTERS = 20_000
"""The longest text. A longer one is cut, and its end says how long it is."""
MOST_TEXTS = 200
"""The largest number of options, aliases or outputs of one item. Of more, the last text says how many are left out."""
MOST_IN_ALL = 100_000_000
"""Characters of all texts together: where they have more, all long texts are cut to a tenth, and again until they fit."""


def item_browser(outcomes: Sequence[Outcome], texts: ItemTexts) -> dict[str, Any]:
    """Return the items of the sample and, for each variant, a row with outcome class, transition, scores and outputs.

    `texts`: the sample, collected while the outcomes were read. `left_out`: how many outcomes are not in it. `judges`: the
    names of the judges, if there are some; then each row has `judged`, what each of them says.
    """
    keys = dict.fromkeys(map(_key, outcomes))
    items = {key: item for key in keys if (item := texts.item(key)) is not None}
    index = {key: number for number, key in enumerate(items)}
    dense = {(outcome.variant.base_model, _key(outcome)): outcome for outcome in outcomes if outcome.variant.is_dense}
    kept = [outcome for outcome in outcomes if _key(outcome) in index]
    length = _length_that_fits(items.values(), kept, texts)
    rows = [
        _row(outcome, index[_key(outcome)], dense.get((outcome.variant.base_model, _key(outcome))), texts, length)
        for outcome in kept
    ]
    plain_items = [_item(item, length) for item in items.values()]
    judges = judges_of(outcomes)
    for row, outcome in zip(rows, kept, strict=True) if judges else ():
        row["judged"] = [_judged(outcome, judge) for judge in judges]
    names = {"judges": [for_utf8(judge.name) for judge in judges]} if judges else {}
    return {"items": plain_items, "rows": rows, "left_out": len(outcomes) - len(rows), **names}


def _key(outcome: Outcome) -> ItemKey:
    return outcome.family, outcome.language, outcome.id


def _item(item: ItemText, length: int) -> dict[str, Any]:
    """Return an item with the types that the page expects, whatever the document holds."""
    return {
        "family": for_utf8(item.family),
        "language": for_utf8(item.language),
        "id": for_utf8(item.id),
        "options": _texts(item.options, length),
        "answer_type": _text(item.answer_type, length),
        "question": _text(item.question, length),
        "context": _text(item.context, length),
        "gold": item.gold if isinstance(item.gold, int) and not isinstance(item.gold, bool) else None,
        "answer": _text(item.answer, length),
        "aliases": None if item.aliases is None else _texts(item.aliases, length),
    }


def _row(outcome: Outcome, item: int, dense: Outcome | None, texts: ItemTexts, length: int) -> dict[str, Any]:
    answers = texts.answers(outcome.variant, _key(outcome))
    return {
        "item": item,
        "base_model": for_utf8(outcome.variant.base_model),
        "variant": for_utf8(outcome.variant.variant),
        "cell": outcome_class_of(outcome),
        "transition": None if dense is None or outcome.variant.is_dense else transition_of(dense, outcome),
        "scores": list(answers.scores[:MOST_TEXTS]),
        "failure": outcome.failure_mode,
        "rule": outcome.match_rule,
        "gold_rank": outcome.gold_rank,
        "outputs": {for_utf8(view): _texts(outputs, length) for view, outputs in answers.outputs.items()},
        "rules": dict(answers.rules),
    }


def _judged(outcome: Outcome, judge: Judge) -> str | None:
    """Return how a judge's verdict stands to the rules: agreed, judge_only, rules_only, unclear or outdated; None without a verdict."""
    verdict = outcome.verdicts.get(judge)
    return disagreement(outcome, judge) or ("agreed" if verdict in RIGHT_BY_JUDGE else verdict)


def _text(value: object, length: int) -> str | None:
    """Return a text of at most about `length` characters; a value of another type as JSON."""
    if value is None:
        return None
    text = for_utf8(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= length else f"{text[:length]} … (cut: {len(text):,} characters in all)"


def _texts(values: object, length: int) -> list[str]:
    """Return the texts of a list; a value that is no list is its only text."""
    listed = list(values) if isinstance(values, (list, tuple)) else [] if values is None else [values]
    texts = [_text(value, length) or "" for value in listed[:MOST_TEXTS]]
    return texts if len(listed) <= MOST_TEXTS else [*texts, f"… ({len(listed) - MOST_TEXTS:,} more are left out)"]


def _length_that_fits(items: Iterable[ItemText], outcomes: Iterable[Outcome], texts: ItemTexts) -> int:
    """Return the longest length of a text with which all texts together are at most MOST_IN_ALL characters."""
    lengths = []
    for item in items:
        options = item.options[:MOST_TEXTS] if isinstance(item.options, list) else []
        lengths += [len(text) for text in (item.question, item.context, *options) if isinstance(text, str)]
    for outcome in outcomes:
        for outputs in texts.answers(outcome.variant, _key(outcome)).outputs.values():
            lengths += map(len, outputs[:MOST_TEXTS])
    length = MOST_CHARACTERS
    while length > 1 and sum(min(one, length) for one in lengths) > MOST_IN_ALL:
        length //= 10
    return length
