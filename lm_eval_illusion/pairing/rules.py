"""What a distractor may never be (DESIGN): equal to, containing or contained in a right answer, or in the question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from lm_eval_illusion.pairing.bundles import Bundle, Option
from lm_eval_illusion.pairing.compact import compact
from lm_eval_illusion.pairing.scripts import script_of
from lm_eval_illusion.pairing.source import Question

LONGEST_RATIO = 4.0
"""A distractor is at most this many times as long as the answer, or as short, in characters."""

RightAnswers = Mapping[tuple[str, str], frozenset[str]]
"""(language, normalised question) -> every right answer known for it, compact."""


def right_answers(questions: Iterable[Question]) -> RightAnswers:
    """The right answers of all questions; a question that is asked twice may have more than one."""
    known: dict[tuple[str, str], set[str]] = defaultdict(set)
    for question in questions:
        key = question.lang, compact(question.question, question.lang)
        known[key] |= {compact(answer, question.lang) for answer in (question.answer, *question.aliases)}
    return {key: frozenset(filter(None, answers)) for key, answers in known.items()}


def is_allowed(option: str, question: Question, known: RightAnswers, others: Iterable[str] = ()) -> bool:
    """Whether an option may stand as a distractor of a question, beside the distractors `others`."""
    lang = question.lang
    mine = compact(option, lang)
    asked = compact(question.question, lang)
    if not mine or mine in asked:
        return False
    beside = (compact(other, lang) for other in others)
    return not any(_overlap(mine, other) for other in (*known[lang, asked], *beside))


def is_alike(option: str, answer: str, lang: str) -> bool:
    """Same script and near in length."""
    ratio = len(option) / len(answer)
    return 1 / LONGEST_RATIO <= ratio <= LONGEST_RATIO and script_of(option, lang) == script_of(answer, lang)


def may_stand(option: Option, bundle: Bundle, known: RightAnswers, beside: Sequence[Option] = ()) -> bool:
    """Whether an option is allowed in every language of a bundle."""
    return all(
        is_allowed(option[lang], question, known, [other[lang] for other in beside])
        for lang, question in bundle.by_lang.items()
    )


def _overlap(one: str, other: str) -> bool:
    return one in other or other in one
