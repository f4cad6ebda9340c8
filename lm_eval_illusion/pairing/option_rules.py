"""Rules that an option must satisfy to be a distractor, and the cost that ranks the options that satisfy them.

A distractor never equals, contains or is contained in a right answer of the question or another distractor, and never occurs in the
question (DESIGN, "Item fields"). Texts are compared in compact form: normalised, without spaces.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from lm_eval_illusion.matching import occurs_in_passage
from lm_eval_illusion.matching.normalize import compact
from lm_eval_illusion.pairing.assignment import FORBIDDEN
from lm_eval_illusion.pairing.numbers.spans import WORD, Number, numbers_of
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion, as_option
from lm_eval_illusion.pairing.question_words import QuestionWords
from lm_eval_illusion.pairing.questions import Question

MAX_LENGTH_RATIO = 4.0
"""A distractor has at most this many times as many characters as the answer, and at least the inverse."""

# Weights of the cost. The unit is a factor e between the lengths of distractor and answer.
TOPIC_WEIGHT = 1.0
PASSAGE_WEIGHT = 2.0
QUESTION_WORDS_WEIGHT = 1.5
FORMAT_WEIGHT = 3.0

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
    other_texts = (compact(other, lang) for other in others)
    return not any(_overlap(option_text, text) for text in (*answer_key[lang, question_text], *other_texts))


def _overlap(first: str, second: str) -> bool:
    return first in second or second in first


def is_near_in_length(option: str, answer: str) -> bool:
    """Return whether an option has at most MAX_LENGTH_RATIO times as many characters as the answer, and at least the inverse."""
    return 1 / MAX_LENGTH_RATIO <= len(option) / len(answer) <= MAX_LENGTH_RATIO


def distractor_cost(
    donor: ParallelQuestion, question: ParallelQuestion, answer_key: RightAnswers, words: QuestionWords
) -> float:
    """Return the cost of the donor's answer as a distractor of `question`; FORBIDDEN if a rule forbids it.

    The cost is a weighted sum, averaged over the languages of the question: the absolute log ratio of the lengths in characters, another
    topic (0 or 1), the option not in the passage, other question words (0 to 1), and a number of another format. `as_option` ensures
    that the option is in the script of the answer.
    """
    option = as_option(donor, question) if donor.id != question.id else None
    if option is None or not all(is_near_in_length(option[lang], answer) for lang, answer in question.answers.items()):
        return FORBIDDEN
    if not is_valid_distractor(option, question, answer_key):
        return FORBIDDEN
    length = _mean(abs(math.log(len(option[lang]) / len(answer))) for lang, answer in question.answers.items())
    return (
        length
        + TOPIC_WEIGHT * (donor.topic != question.topic)
        + PASSAGE_WEIGHT * _not_in_passage(option, question)
        + QUESTION_WORDS_WEIGHT * words.difference(donor, question, question.by_lang)
        + FORMAT_WEIGHT * format_mismatch(option, question)
    )


def _not_in_passage(option: Option, question: ParallelQuestion) -> float:
    """Return the share of languages in which there is a passage and the option is not in it."""
    passages = {lang: translation.context for lang, translation in question.by_lang.items()}
    return _mean(bool(passages[lang]) and not occurs_in_passage(option[lang], passages[lang], lang) for lang in option)


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
