"""The texts of a bounded sample of items for the item browser, collected while the samples files are read."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from lm_eval_illusion.results.outcomes import PRODUCTION, Outcome
from lm_eval_illusion.results.runs import ViewFile
from lm_eval_illusion.results.sample_file import FullRow, ItemDoc, RowTexts
from lm_eval_illusion.results.sample_lines import index_of
from lm_eval_illusion.results.variants import Variant
from lm_eval_illusion.views import TWIN

ItemKey = tuple[str, str, str]
"""Family, language, item id."""


@dataclass(frozen=True)
class ItemText:
    """The texts of an item. A field is None if the document lacks it; `gold`: index of the right option."""

    family: str
    language: str
    id: str
    options: list[str]
    answer_type: str | None
    question: str | None
    context: str | None
    gold: int | None
    answer: str | None
    aliases: list[str] | None


class AnswerTexts(msgspec.Struct, gc=False):
    """A variant's responses to an item: log-likelihoods of the options in nats (None: not finite), outputs and matching rule by view.

    There are tens of thousands of these records: without `gc=False` and tuples, the garbage collector takes seconds to search them.
    """

    scores: tuple[float | None, ...] = ()
    outputs: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    rules: dict[str, str] = msgspec.field(default_factory=dict)


@dataclass
class _SampledId:
    """One id in all its languages and variants. `outcomes`: the number of its outcomes."""

    outcomes: int = 0
    items: dict[tuple[str, str], ItemText] = field(default_factory=dict)
    answers: dict[tuple[str, str, str, str], AnswerTexts] = field(default_factory=dict)


class ItemTexts:
    """The texts of a sample of items with at most `most_outcomes` outcomes.

    The sample consists of whole items: an id in all its languages and variants, or not at all. Ids are taken in the order of the SHA-256
    of the id until the next one would exceed the limit, so the sample has no bias and is always the same. It is exact although it is
    drawn while the files are read: counts only grow, so an id that is beyond the limit once stays beyond it.
    """

    def __init__(self, most_outcomes: int) -> None:
        self._most = most_outcomes
        self._outcomes = 0
        self._sampled: dict[str, _SampledId] = {}
        # The sampled ids by descending hash: heapq pops the smallest number first.
        self._by_hash: list[tuple[int, str]] = []
        self._limit: int | None = None

    def count_outcome(self, item_id: str) -> bool:
        """Count one more outcome of this id and return whether the sample contains the id."""
        if item_id not in self._sampled:
            number = int.from_bytes(hashlib.sha256(item_id.encode("utf-8", "surrogatepass")).digest(), "big")
            if self._limit is not None and number >= self._limit:
                return False
            self._sampled[item_id] = _SampledId()
            heapq.heappush(self._by_hash, (-number, item_id))
        self._sampled[item_id].outcomes += 1
        self._outcomes += 1
        while self._outcomes > self._most:
            number, removed = heapq.heappop(self._by_hash)
            self._limit = -number
            self._outcomes -= self._sampled.pop(removed).outcomes
        return item_id in self._sampled

    def contains(self, item_id: str) -> bool:
        """Return whether the sample contains this id."""
        return item_id in self._sampled

    def add_view(self, view: ViewFile, item_id: str, row: RowTexts, rule: str | None = None) -> None:
        """Add a variant's response in one view to an item of the sample. `rule`: the matching rule that judged it."""
        sampled = self._sampled[item_id]
        if (view.family, view.language) not in sampled.items:
            sampled.items[view.family, view.language] = _item_of_view(view, item_id, row.doc)
        answers = sampled.answers.setdefault((*view.variant.key, view.family, view.language), AnswerTexts())
        if row.outputs:
            # The only view of several requests whose name is not that of its answers.
            name = PRODUCTION.name if view.view == TWIN.name else view.view
            answers.outputs[name] = tuple(row.outputs)
            if rule is not None:
                answers.rules[name] = rule
        if row.scores:
            answers.scores = _finite(row.scores)

    def add_document_pair(self, outcome: Outcome, recognition: FullRow, production: FullRow) -> None:
        """Add a document of two paired tasks: its question is the prompt, its options are the scored continuations."""
        sampled = self._sampled[outcome.id]
        sampled.items.setdefault((outcome.family, outcome.language), _item_of_documents(outcome, recognition, production))
        key = (*outcome.variant.key, outcome.family, outcome.language)
        sampled.answers[key] = AnswerTexts(_finite(recognition.scores), {PRODUCTION.name: tuple(production.outputs)})

    def item(self, key: ItemKey) -> ItemText | None:
        """Return an item of the sample, None for others."""
        family, language, item_id = key
        sampled = self._sampled.get(item_id)
        return sampled.items.get((family, language)) if sampled else None

    def answers(self, variant: Variant, key: ItemKey) -> AnswerTexts:
        """Return a variant's responses to an item of the sample; empty if none was added."""
        family, language, item_id = key
        return self._sampled[item_id].answers.get((*variant.key, family, language), AnswerTexts())


def _item_of_view(view: ViewFile, item_id: str, doc: ItemDoc) -> ItemText:
    return ItemText(
        family=view.family,
        language=view.language,
        id=item_id,
        options=doc.choices,
        answer_type=doc.answer_type if isinstance(doc.answer_type, str) else None,
        question=doc.question,
        context=doc.context,
        gold=doc.gold,
        answer=doc.answer,
        aliases=doc.aliases,
    )


def _item_of_documents(outcome: Outcome, recognition: FullRow, production: FullRow) -> ItemText:
    gold = index_of(recognition.target)
    return ItemText(
        family=outcome.family,
        language=outcome.language,
        id=outcome.id,
        options=recognition.options if recognition.scores else [],
        answer_type="",
        question=recognition.prompt,
        context=production.prompt if production.prompt != recognition.prompt else "",
        gold=gold if gold is not None and gold < len(recognition.scores) else None,
        answer=production.target,
        aliases=[],
    )


def _finite(scores: Sequence[float]) -> tuple[float | None, ...]:
    # JSON has no NaN and no infinity. A tuple of a list is faster than one of a generator.
    return tuple([score if math.isfinite(score) else None for score in scores])
