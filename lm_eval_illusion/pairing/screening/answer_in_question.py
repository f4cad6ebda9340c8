"""Answers that stand in their question: "Who was born first, Mozart or Beethoven?", "What color is the white horse of Napoleon?".

No wrong option may occur in the question (option_rules), so that such an answer would be found by copying, without knowledge. The rule:

- The question offers the answer beside others ("A, B or C"): these are its first wrong options (`alternatives`).
- Else it is dropped, unless it is asked with a passage, from which answers are copied anyway.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.mentions import Mention, mentions
from lm_eval_illusion.matching.objections.context import phrases
from lm_eval_illusion.matching.text.normalize import compact
from lm_eval_illusion.pairing.reading.questions import Question

IN_QUESTION_REASON = "the answer stands in the question"

COMMAS = ",،、，"
_SURE_LENGTH = 4
"""A word of fewer characters may be in the question by chance: the film "It", the band "The Who". It counts in the same letter case."""


def answer_mentions(question: Question) -> Iterator[Mention]:
    """Yield the places where a question states a right answer, as a whole word sequence in any form of its grammar."""
    for answer in (question.answer, *question.aliases):
        if _may_occur(answer, question):
            yield from (
                found for found in mentions(question.question, answer, question.lang) if _counts(found, answer, question)
            )


def states_answer(question: Question) -> bool:
    """Return whether a question states a right answer, or offers it by its surname beside others: "Mozart or Beethoven"."""
    if next(answer_mentions(question), None) is not None:
        return True
    surname = question.answer.split()[-1]
    if surname == question.answer or len(surname) < _SURE_LENGTH or not _offers_alternatives(question):
        return False
    found = mentions(question.question, surname, question.lang)
    return any(_stands_beside_or(mention, question) for mention in found if _counts(mention, surname, question))


def _may_occur(answer: str, question: Question) -> bool:
    """Return whether a mention is possible. It is a quick test: the beginning of a word of the answer, which inflection keeps."""
    text, sought = compact(question.question, question.lang), compact(answer, question.lang)
    if not sought:
        return False
    if sought in text or _offers_alternatives(question):
        return True
    return len(sought) >= _SURE_LENGTH and sought[: max(3, math.ceil(len(sought) / 2))] in text


def _offers_alternatives(question: Question) -> bool:
    """Return whether a question has a word for "or", and perhaps the answer in another form: Mozart for Wolfgang Amadeus Mozart."""
    return or_words(question.lang).search(question.question) is not None


def _stands_beside_or(mention: Mention, question: Question) -> bool:
    text = question.question
    return any(found.end() == mention.start or found.start() == mention.end for found in or_words(question.lang).finditer(text))


@cache
def or_words(lang: str) -> re.Pattern[str]:
    """Return a pattern for a word for "or" with the comma before it and the spaces around it."""
    spaces = language(lang).words.spaces
    # Without spaces, words of one character are part of others. A star at the beginning stands for the noun itself.
    words = [word for word in language(lang).alternatives.or_words if not word.startswith("*") and (spaces or len(word) > 1)]
    pattern = "|".join(re.escape(word).replace(r"\*", r"\w*") for word in sorted(words, key=len, reverse=True)) or "(?!)"
    word = rf"(?<!\w)(?:{pattern})(?!\w)\.?" if spaces else f"(?:{pattern})"
    return re.compile(rf"\s*[{COMMAS}]?\s*{word}\s*", re.IGNORECASE)


def _counts(mention: Mention, answer: str, question: Question) -> bool:
    """Return whether a mention gives the answer away.

    A number counts only in the same writing: "one" in "Which one ..." does not say 1. Of a short word, and of one that asks, letter
    case decides, and the beginning of a sentence says nothing.
    """
    said = question.question[mention.start : mention.end]
    has_digit = any(map(str.isdecimal, answer))
    if mention.rule == "yes_no" or has_digit != any(map(str.isdecimal, said)):
        return False
    if has_digit or not language(question.lang).words.spaces:
        return True
    own = language(question.lang).asking
    asks = phrases((*own.person, *own.which, *own.place, *own.time, *own.manner, *own.reason), question.lang)
    if len(said) >= _SURE_LENGTH and not asks.fullmatch(f" {said.casefold()} ", 1, len(said) + 1):
        return True
    return mention.start > 0 and said in answer and (said[0].isupper() or not answer[:1].isupper())
