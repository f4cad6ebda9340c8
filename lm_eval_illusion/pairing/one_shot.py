"""One-shot examples ("shots"): the questions held out for them, and the choice of one for each item."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from lm_eval_illusion.matching.text.normalize import compact
from lm_eval_illusion.pairing.option_rules import RightAnswers, is_allowed
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion
from lm_eval_illusion.pairing.reading.questions import Question

SHOTS_PER_LANGUAGE = 4
QUESTIONS_PER_SHOT = 50
"""A language of fewer than 200 questions gets one shot per this many questions, but at least one."""

ShotByLanguage = Mapping[str, Question]
"""Language -> the example question."""


def hold_out_shots(questions: Sequence[ParallelQuestion]) -> tuple[list[ParallelQuestion], list[ParallelQuestion]]:
    """Split questions into shots for every language and the rest; the rest keeps its order.

    The next shot is always the question in the most languages that still need a shot, the first of equals. So few questions become shots.
    """
    sizes = Counter(lang for question in questions for lang in question.languages)
    needed = Counter({lang: min(SHOTS_PER_LANGUAGE, max(1, size // QUESTIONS_PER_SHOT)) for lang, size in sizes.items()})
    shots: list[ParallelQuestion] = []
    rest = list(questions)
    while +needed:
        shot = max(rest, key=lambda question: sum(needed[lang] > 0 for lang in question.languages))
        rest.remove(shot)
        shots.append(shot)
        needed.subtract(shot.languages)
    return shots, rest


def choose_shot(
    question: ParallelQuestion, options: Sequence[Option], shots: Sequence[ParallelQuestion], answer_key: RightAnswers
) -> ShotByLanguage | str:
    """Return the example for an item, the same question in all its languages if possible, or the reason why there is none.

    The example belongs to another passage and reveals nothing: its answer is none of the options, does not contain a right answer, is
    not contained in one, and does not occur in the question. If no example satisfies this, its answer must only differ from the
    options and the right answers.

    Args:
        question: The question of the item.
        options: Its distractors.
        shots: The held-out questions.
        answer_key: The right answers of all questions.
    """
    candidates = {lang: [shot for shot in shots if _has_other_passage(shot, question, lang)] for lang in question.by_lang}
    if not all(candidates.values()):
        return "every held-out example is about the same passage"

    def differs(shot: ParallelQuestion, lang: str) -> bool:
        answer = compact(shot.by_lang[lang].answer, lang)
        right_texts = answer_key[lang, compact(question.by_lang[lang].question, lang)]
        return answer not in right_texts and answer not in [compact(option[lang], lang) for option in options]

    def reveals_nothing(shot: ParallelQuestion, lang: str) -> bool:
        return differs(shot, lang) and is_allowed(shot.by_lang[lang].answer, question.by_lang[lang], answer_key)

    for is_acceptable in (reveals_nothing, differs):
        shot = _pick(question, candidates, is_acceptable)
        if shot is not None:
            return shot
    return "the answer of every held-out example is one of its options"


def _has_other_passage(shot: ParallelQuestion, question: ParallelQuestion, lang: str) -> bool:
    passage = question.by_lang[lang].context
    return lang in shot.by_lang and not (passage and shot.by_lang[lang].context == passage)


def _pick(
    question: ParallelQuestion,
    candidates: Mapping[str, Sequence[ParallelQuestion]],
    is_acceptable: Callable[[ParallelQuestion, str], bool],
) -> ShotByLanguage | None:
    """Pick a shot that is acceptable in all languages, or else one for each language; the hash of the question's id decides."""
    acceptable = {lang: [shot for shot in in_lang if is_acceptable(shot, lang)] for lang, in_lang in candidates.items()}
    draw = int(hashlib.sha256(question.id.encode()).hexdigest(), 16)
    first = next(iter(acceptable.values()))
    in_all_languages = [shot for shot in first if all(shot in in_lang for in_lang in acceptable.values())]
    if in_all_languages:
        return in_all_languages[draw % len(in_all_languages)].by_lang
    if not all(acceptable.values()):
        return None
    return {lang: in_lang[draw % len(in_lang)].by_lang[lang] for lang, in_lang in acceptable.items()}
