"""A base model answers and goes on with the next question: "Oslo Question: What is the capital of Sweden? Answer: Stockholm"."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from lm_eval_illusion.languages import language

_QUESTION = ("Question", "Q", "User", "Human")
_ANSWER = ("Answer", "A", "Assistant", "AI")
_WORD = re.compile(r"\w")


class _Labels(NamedTuple):
    begins: re.Pattern[str]
    question: re.Pattern[str]
    answer: re.Pattern[str]


def end_of_answer(line: str, lang: str) -> int:
    """Return where the answer of a line ends: before the label of the next question, or with the line.

    A line may begin with its own question; then the answer follows the label of an answer.
    """
    if ":" not in line and "：" not in line:
        return len(line)
    labels = _labels(lang)
    start = 0
    if labels.begins.match(line):
        answer = labels.answer.search(line)
        if answer is None:
            return len(line)
        start = answer.end()
    found = labels.question.search(line, start)
    return found.start() if found and _WORD.search(line, start, found.start()) else len(line)


@cache
def _labels(lang: str) -> _Labels:
    prompt = language(lang).prompt
    question = (*_QUESTION, prompt.question) if prompt else _QUESTION
    answer = (*_ANSWER, prompt.answer) if prompt else _ANSWER
    context = (prompt.context,) if prompt else ()
    return _Labels(_label((*question, *context)), _label(question), _label(answer))


def _label(words: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of a label, at the beginning, behind a space or behind the end of a sentence: Q:, **Question 2:**"""
    return re.compile(rf"(?:^|(?<=[\s.!?。！？।*]))\**(?:{'|'.join(map(re.escape, words))})\s?\d{{0,3}}\**\s?[:：]")
