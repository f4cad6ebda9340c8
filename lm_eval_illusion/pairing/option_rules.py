"""How bad a distractor another question's answer makes.

What a distractor may never be (DESIGN): equal to, containing or contained in a right answer, or in the question.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from lm_eval_illusion.matching import stands_in_passage
from lm_eval_illusion.matching.normalize import compact
from lm_eval_illusion.pairing.answer_types import script_of
from lm_eval_illusion.pairing.assignment import FORBIDDEN
from lm_eval_illusion.pairing.numbers.spans import WORD, Number, numbers_of
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion, as_option
from lm_eval_illusion.pairing.question_words import QuestionWords
from lm_eval_illusion.pairing.questions import Question

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


def is_valid_distractor(option: Option, bundle: ParallelQuestion, known: RightAnswers, beside: Sequence[Option] = ()) -> bool:
    """Whether an option is allowed in every language of a bundle."""
    return all(
        is_allowed(option[lang], question, known, [other[lang] for other in beside])
        for lang, question in bundle.by_lang.items()
    )


def _overlap(one: str, other: str) -> bool:
    return one in other or other in one


# What makes a distractor worse, in units of one factor e in length.
OTHER_TOPIC = 1.0
NOT_IN_PASSAGE = 2.0
ASKED_OTHERWISE = 1.5
OTHER_FORMAT = 3.0


def cost_of(donor: ParallelQuestion, bundle: ParallelQuestion, known: RightAnswers, asked: QuestionWords) -> float:
    """What it costs that `donor` lends its answer to `bundle`: FORBIDDEN if a rule is against it."""
    options = as_option(donor, bundle) if donor.id != bundle.id else None
    if options is None or not all(is_alike(options[lang], answer, lang) for lang, answer in bundle.answers.items()):
        return FORBIDDEN
    if not is_valid_distractor(options, bundle, known):
        return FORBIDDEN
    length = _mean(abs(math.log(len(options[lang]) / len(answer))) for lang, answer in bundle.answers.items())
    return (
        length
        + OTHER_TOPIC * (donor.topic != bundle.topic)
        + NOT_IN_PASSAGE * _absent(options, bundle)
        + ASKED_OTHERWISE * asked.difference(donor, bundle, bundle.by_lang)
        + OTHER_FORMAT * format_mismatch(options, bundle)
    )


def _absent(options: Option, bundle: ParallelQuestion) -> float:
    """In how many of the languages that have a passage the option does not stand in it."""
    passages = {lang: question.context for lang, question in bundle.by_lang.items()}
    return _mean(bool(passages[lang]) and not stands_in_passage(options[lang], passages[lang], lang) for lang in options)


def format_mismatch(options: Option, bundle: ParallelQuestion) -> float:
    """In how many of the languages a number is of another format: a year beside a length, a range beside a share."""
    return _mean(number_format(options[lang]) != number_format(answer) for lang, answer in bundle.answers.items())


@lru_cache(maxsize=100_000)
def number_format(text: str) -> str:
    """Its numbers as # (years as Y), words between them as "a", and the signs: 17 seconds is #a, 1870–1939 is Y–Y; "" without numbers."""
    numbers = numbers_of(text)
    if not numbers:
        return ""
    between = [
        text[start:end] for start, end in zip([0, *(n.end for n in numbers)], [*(n.start for n in numbers), None], strict=True)
    ]
    signs = [re.sub(r"\s", "", re.sub(WORD, "a", part)) for part in between]
    marks = ["Y" if _is_year(number) else "#" for number in numbers]
    return "".join(re.sub("a+", "a", sign) + mark for sign, mark in zip(signs, [*marks, ""], strict=True))


def _is_year(number: Number) -> bool:
    return number.is_plain and len(number.digits) == 4 and 1000 <= int(number.digits) <= 2100


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
