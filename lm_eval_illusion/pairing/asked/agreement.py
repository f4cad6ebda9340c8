"""The kind of answer on which the languages of a parallel question agree.

A word list misses the noun of a question in one language and finds it in another: "What Goldman Sachs CEO ..." has no noun that English
knows, and asks for a person or a politician in five of twelve languages. An answer may name its kind itself: "Liberal Party".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from lm_eval_illusion.languages.record import NOUN_KINDS
from lm_eval_illusion.pairing.asked.interrogatives import asked_in
from lm_eval_illusion.pairing.asked.phrases import EMPTY, THING, WHICH, find
from lm_eval_illusion.pairing.asked.question_words import text_units
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion

UNKNOWN_KINDS = frozenset((WHICH, THING, ""))
"""What a question asks for where neither its interrogative nor a noun says the kind."""

_LEAST_VOTES, _LEAST_SHARE = 2.0, 0.25
"""The votes that a class needs, and as a share of the languages."""
_MOST_AGAINST = 0.5
"""The most votes for another class, as a share of those for the first."""
_ANSWER_VOTE = 0.5
"""The vote of a noun in the answer; that of the question counts 1."""


class Agreed(NamedTuple):
    """A kind, and whether a noun decided it; the fields of `AskedFor`."""

    kind: str
    by_noun: bool


def agreed_kind(question: ParallelQuestion) -> Agreed | None:
    """Return what the languages of a question agree that it asks for, None if they don't, or if there is one language only."""
    if len(question.by_lang) < _LEAST_VOTES:
        return None
    votes: dict[Agreed, float] = defaultdict(float)
    by_class: dict[str, float] = defaultdict(float)
    for vote, weight in _votes(question):
        votes[vote] += weight
        by_class[class_of(vote.kind)] += weight
    if not votes:
        return None
    first, most = max(by_class.items(), key=lambda item: (item[1], item[0]))
    second = max((count for name, count in by_class.items() if name != first), default=0.0)
    if most < max(_LEAST_VOTES, _LEAST_SHARE * len(question.by_lang)) or second > _MOST_AGAINST * most:
        return None
    best = max((vote for vote in votes if class_of(vote.kind) == first), key=lambda vote: (votes[vote], vote))
    return best if votes[best] > most / 2 else Agreed(first, True)


def class_of(kind: str) -> str:
    """Return the class of which a kind is a part: person for a writer; the kind itself if it is a part of none."""
    return NOUN_KINDS.get(kind, "") or kind


def _votes(question: ParallelQuestion) -> Iterator[tuple[Agreed, float]]:
    for lang, translation in question.by_lang.items():
        asked = asked_in(translation.question, lang)
        # A person has a name: the noun before "scientists would show" does not say what is asked for.
        is_no_person = asked.by_noun and class_of(asked.kind) == "person" and question.form != "name"
        if asked.kind not in UNKNOWN_KINDS and not is_no_person:
            yield Agreed(asked.kind, asked.by_noun), 1.0
        for kind in _kinds_of_nouns(translation.answer, lang):
            yield Agreed(kind, True), _ANSWER_VOTE


def _kinds_of_nouns(answer: str, lang: str) -> set[str]:
    """Return the kinds that nouns in an answer name. A noun for a person is an office or a profession: Prime Minister."""
    kinds = {noun.kind for noun in find(text_units(answer, lang), lang, "nouns")} - {EMPTY, "time", "quantity"}
    return {"title" if class_of(kind) == "person" else kind for kind in kinds}
