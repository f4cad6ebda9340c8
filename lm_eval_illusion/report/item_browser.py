"""What the item browser of report.html shows: each item with its options and scores, and what every variant said."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lm_eval_illusion.analysis.crosstab import cell_of
from lm_eval_illusion.analysis.dense_comparison import transition_of
from lm_eval_illusion.results.join_views import RECOGNITION_METRICS
from lm_eval_illusion.results.outcomes import Outcome
from lm_eval_illusion.results.runs import ViewFile
from lm_eval_illusion.results.sample_file import read_whole_rows
from lm_eval_illusion.results.task_pairs import DocumentPair

MOST_ROWS = 50_000
"""Item-variant rows: what a browser still filters at once, and about 10 MB of file."""
OUTPUT_VIEWS = ("gen", "oneshot", "beam", "sample", "candidates", "candidates_without_gold")

Key = tuple[str, str, str]
"""Family, language, item id."""


def item_browser(
    outcomes: Sequence[Outcome],
    views: Sequence[ViewFile],
    documents: Sequence[DocumentPair],
    recognition: str,
    most: int = MOST_ROWS,
) -> dict[str, Any]:
    """The items and, for each variant, a row with cell, transition, scores and outputs.

    `views` and `documents` (of paired tasks) are what the outcomes were read from.
    Where there are more than `most` rows, whole items are left out, drawn by the SHA-256 of their ids: a fair sample, the same each time.
    """
    shown = _drawn(outcomes, most)
    items, outputs, scores = _read(views, set(shown), RECOGNITION_METRICS[recognition][0])
    _add_documents(documents, set(shown), items, outputs, scores)
    places = {key: place for place, key in enumerate(shown) if key in items}
    dense = {(o.variant.base_model, _key(o)): o for o in outcomes if o.variant.is_dense}
    rows = [
        {
            "item": places[_key(outcome)],
            "base_model": outcome.variant.base_model,
            "variant": outcome.variant.variant,
            "cell": cell_of(outcome),
            "transition": _transition(outcome, dense.get((outcome.variant.base_model, _key(outcome)))),
            "scores": scores.get(_named(outcome), []),
            "gold_rank": outcome.gold_rank,
            "outputs": outputs.get(_named(outcome), {}),
        }
        for outcome in outcomes
        if _key(outcome) in places
    ]
    return {"items": [items[key] for key in places], "rows": rows, "left_out": len(outcomes) - len(rows)}


def _key(outcome: Outcome) -> Key:
    return outcome.family, outcome.language, outcome.id


def _named(outcome: Outcome) -> tuple[str, str, Key]:
    return outcome.variant.base_model, outcome.variant.variant, _key(outcome)


def _drawn(outcomes: Sequence[Outcome], most: int) -> list[Key]:
    """The items that are shown, in the order of the outcomes; one id in all its languages and variants, or in none."""
    times: Counter[str] = Counter(outcome.id for outcome in outcomes)
    keys = dict.fromkeys(map(_key, outcomes))
    if len(outcomes) <= most:
        return list(keys)
    taken: set[str] = set()
    for item_id in sorted(times, key=lambda item_id: hashlib.sha256(item_id.encode()).digest()):
        most -= times[item_id]
        if most < 0:
            break
        taken.add(item_id)
    return [key for key in keys if key[2] in taken]


def _transition(outcome: Outcome, dense: Outcome | None) -> str | None:
    if dense is None or outcome.variant.is_dense:
        return None
    return transition_of(dense, outcome)


def _read(
    views: Iterable[ViewFile], shown: set[Key], recognising: str
) -> tuple[dict[Key, Any], dict[Any, Any], dict[Any, Any]]:
    """Items by key, outputs and scores by variant and key."""
    items: dict[Key, dict[str, Any]] = {}
    outputs: dict[Any, dict[str, list[str]]] = defaultdict(dict)
    scores: dict[Any, list[float | None]] = {}
    ids = {item_id for _, _, item_id in shown}
    for view in views:
        if view.view != recognising and view.view not in OUTPUT_VIEWS:
            continue
        for row in read_whole_rows(view.samples_file, ids):
            key = (view.family, view.language, str(row.doc["id"]))
            if key not in shown:
                continue
            items.setdefault(key, _item(view, row.doc))
            named = (view.variant.base_model, view.variant.variant, key)
            if view.view == recognising:
                scores[named] = [_finite(score) for score in row.scores]
            else:
                outputs[named][view.view] = row.outputs
    return items, outputs, scores


def _add_documents(
    documents: Sequence[DocumentPair], shown: set[Key], items: dict[Key, Any], outputs: dict[Any, Any], scores: dict[Any, Any]
) -> None:
    """Add what paired tasks asked: the question is the prompt, the options are what was scored after it."""
    for document in documents:
        key = _key(document.outcome)
        if key not in shown:
            continue
        asked, named = document.recognition, _named(document.outcome)
        items.setdefault(key, _item_of_document(document))
        outputs[named] = {"gen": document.production.outputs}
        scores[named] = [_finite(score) for score in asked.scores]


def _item_of_document(document: DocumentPair) -> dict[str, Any]:
    asked = document.recognition
    gold = int(asked.target) if asked.target.isdigit() and int(asked.target) < len(asked.scores) else None
    return {
        "family": document.outcome.family,
        "language": document.outcome.language,
        "id": document.outcome.id,
        "answer_type": "",
        "question": asked.prompt,
        "context": document.production.prompt if document.production.prompt != asked.prompt else "",
        "options": asked.options if asked.scores else [],
        "gold": gold,
        "answer": document.production.target,
        "aliases": [],
    }


def _item(view: ViewFile, doc: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "family": view.family,
        "language": view.language,
        "id": str(doc["id"]),
        "options": list(doc.get("choices", [])),
        **{name: doc.get(name) for name in ("answer_type", "question", "context", "gold", "answer", "aliases")},
    }


def _finite(score: float) -> float | None:
    """NaN and infinities are no JSON."""
    return score if math.isfinite(score) else None
