"""Rules that an option must satisfy to be a distractor. `donors.pair_costs` ranks the options that satisfy them.

A distractor never equals, contains or is contained in a right answer of the question or another distractor, and never occurs in the
question (DESIGN, "Item fields"). Texts are compared in compact form: normalised, without spaces. A number is compared as a whole: 3 may
stand beside 23, but not beside 3 km, nor where the question says 3 or three.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.numbers.tokens import tokens_of
from lm_eval_illusion.matching.numbers.words import lexicon, numerals_of_word
from lm_eval_illusion.matching.text.normalize import compact, normalise
from lm_eval_illusion.matching.text.number_notation import DECIMAL_MARK
from lm_eval_illusion.pairing.numbers.spans import WORD, Number, integer_digits, numbers_of
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion
from lm_eval_illusion.pairing.reading.questions import Question

MAX_LENGTH_RATIO = 4.0
"""A distractor has at most this many times as many characters as the answer, and at least the inverse."""

MOST_DIGITS_APART = 1
"""Beside a number may stand numbers with as many digits before the decimal mark, or one more or less: 340 beside 52, but not 2922."""

_BARE_NUMBER = re.compile(rf"[0-9]{{1,30}}(?:{DECIMAL_MARK}[0-9]{{1,30}})?")
_END_OF_NUMBER = re.compile(rf"[0-9]{DECIMAL_MARK}?$")
_REST_OF_NUMBER = re.compile(rf"{DECIMAL_MARK}?[0-9]")

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
    if stands_in(option_text, question_text):
        return False
    number = bare_number(option_text)
    if number is not None and number in _numbers_said(question.question, lang):
        return False
    return not overlaps(option_text, answer_key[lang, question_text]) and not overlaps(
        option_text, [compact(other, lang) for other in others]
    )


def overlaps(text: str, others: Collection[str]) -> bool:
    """Return whether a text equals, contains or is contained in one of the others, numbers compared as a whole.

    All are in compact form. 3 does not overlap 23, but 3.0, 3 km and 3-5; 1990 overlaps 1990s.
    """
    if text in others:
        return True
    for other in others:
        # The plain test first: a pairing makes millions of these, and few texts contain another one.
        if (other in text and stands_in(other, text)) or (text in other and stands_in(text, other)):
            return True
    # Two whole numbers are equal only as texts; 3 and 3.0 are not.
    if DECIMAL_MARK not in text and not any(DECIMAL_MARK in other for other in others):
        return False
    number = bare_number(text)
    return number is not None and any(number == bare_number(other) for other in others)


def stands_in(part: str, text: str) -> bool:
    """Return whether a text contains a part, not as digits out of a longer number. Both are in compact form; an empty part always does."""
    if part not in text:
        return False
    if not part or not (part[0].isdecimal() or part[-1].isdecimal()):
        return True
    start = text.find(part)
    while start >= 0:
        end = start + len(part)
        cuts_before = part[0].isdecimal() and _END_OF_NUMBER.search(text, max(0, start - 2), start)
        cuts_behind = part[-1].isdecimal() and _REST_OF_NUMBER.match(text, end)
        if not cuts_before and not cuts_behind:
            return True
        start = text.find(part, start + 1)
    return False


def bare_number(text: str) -> Decimal | None:
    """Return the value of a text in compact form that is one number in digits, else None."""
    if not text[-1:].isdecimal() or not _BARE_NUMBER.fullmatch(text):
        return None
    return Decimal(text.replace(DECIMAL_MARK, "."))


def _is_numeral(word: str, lang: str) -> bool:
    return word in lexicon(lang).phrases or bool(numerals_of_word(word, lang))


@lru_cache(maxsize=10_000)
def _numbers_said(text: str, lang: str) -> frozenset[Decimal]:
    """Return the values of the numbers of a text, in digits or words: three is 3, and so is 3.0."""
    normal = normalise(text, lang)
    in_digits = {Decimal(digits.replace(DECIMAL_MARK, ".")) for digits in _BARE_NUMBER.findall(normal)}
    # Most questions have no number in words, which takes longer to read.
    if language(lang).words.spaces and not any(_is_numeral(word, lang) for word in normal.split() if not word[0].isdecimal()):
        return frozenset(in_digits)
    return frozenset(in_digits | {number.value for number in tokens_of(text, lang).numbers.values()})


def number_sizes(text: str) -> list[int]:
    """Return the number of digits before the decimal mark of each number of a text. See `MOST_DIGITS_APART`."""
    return [len(integer_digits(text, number).lstrip("0") or "0") for number in numbers_of(text)]


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
