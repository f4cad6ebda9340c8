"""Rules that an option must satisfy to be a distractor. `distractor_costs` ranks the options that satisfy them.

A distractor never equals, contains or is contained in a right answer of the question or another distractor, and never occurs in the
question (DESIGN, "Item fields"). Texts are compared in compact form: normalised, without spaces.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache

from lm_eval_illusion.matching.text.normalize import compact
from lm_eval_illusion.pairing.numbers.spans import WORD, Number, numbers_of
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion
from lm_eval_illusion.pairing.reading.questions import Question

MAX_LENGTH_RATIO = 4.0
"""A distractor has at most this many times as many characters as the answer, and at least the inverse."""

RightAnswers = Mapping[tuple[str, str], frozenset[str]]
"""The answer key: (language, compact question text) -> every known right answer of that text, in compact form."""


def right_answers(questions: Iterable[Question]) -> RightAnswers:
    """Collect the right answers, with aliases, of each question text. A text that occurs twice may have more than one answer."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for question in questions:
        key = question.lang, compact(question.question, question.lang)
        found[key] |= {compact(answer, question.lang) for answer in (question.answer, *question.aliases)}
    return {key: frozenset(filter(None, answers)) for key, answers in found.items()}


def is_valid_distractor(
    option: Option, question: ParallelQuestion, answer_key: RightAnswers, others: Sequence[Option] = ()
) -> bool:
    """Return whether the rules allow an option in every language of a question, beside the distractors `others`."""
    return all(
        is_allowed(option[lang], translation, answer_key, [other[lang] for other in others])
        for lang, translation in question.by_lang.items()
    )


def is_allowed(option: str, question: Question, answer_key: RightAnswers, others: Iterable[str] = ()) -> bool:
    """Return whether the rules allow an option as a distractor of a question in one language, beside the distractors `others`."""
    lang = question.lang
    option_text, question_text = compact(option, lang), compact(question.question, lang)
    if option_text in question_text:  # Always for an option of punctuation only, whose compact form is empty.
        return False
    return not overlaps(option_text, answer_key[lang, question_text]) and not overlaps(
        option_text, [compact(other, lang) for other in others]
    )


def overlaps(text: str, others: Collection[str]) -> bool:
    """Return whether a text equals, contains or is contained in one of the others. All are in compact form."""
    if text in others:
        return True
    # A plain loop takes half the time of `any`: a pairing makes millions of these tests.
    for other in others:  # noqa: SIM110
        if other in text or text in other:
            return True
    return False


def format_mismatch(option: Option, question: ParallelQuestion) -> float:
    """Return the share of languages in which option and answer differ in number format: a year and a length, a range and a share."""
    return _mean(number_format(option[lang]) != number_format(answer) for lang, answer in question.answers.items())


@lru_cache(maxsize=100_000)
def number_format(text: str) -> str:
    """Return the pattern of numbers, words and signs in a text, "" if it has no number.

    A number becomes "#", a year "Y", one or more adjacent words "a"; signs stay: "17 seconds" -> "#a", "1870–1939" -> "Y–Y".
    """
    numbers = numbers_of(text)
    if not numbers:
        return ""
    starts = [0, *(number.end for number in numbers)]
    ends = [*(number.start for number in numbers), None]
    between = [re.sub(WORD, "a", text[start:end]) for start, end in zip(starts, ends, strict=True)]
    separators = [re.sub("a+", "a", re.sub(r"\s", "", part)) for part in between]
    symbols = ["Y" if _is_year(number) else "#" for number in numbers]
    return "".join(separator + symbol for separator, symbol in zip(separators, [*symbols, ""], strict=True))


def _is_year(number: Number) -> bool:
    return number.is_plain and len(number.digits) == 4 and 1000 <= int(number.digits) <= 2100


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers)
