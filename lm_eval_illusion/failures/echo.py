"""Echo: the answer repeats the question, or says nothing that the question does not say."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching import normalise

_QUESTION_MARKS = "?？؟;"
"""What ends a question in several scripts; the Greek question mark is a semicolon."""
_CLOSING = "\"'”’»」』)*_ "
_SHORTEST_STEM = 4
"""Two words are forms of one word if they share at least so many letters at the beginning and differ in at most two after them."""
_ENDING = 2


def is_echo(line: str, question: str, options: Sequence[str], lang: str) -> bool:
    """Return whether a line repeats the question, by one of three signs.

    Every word stands in the question, or the line ends with the whole question. One word in five may be another one if it is within the
    line and is no name. Or the line is a question, and three of five words stand in the item's question. Or it begins as the prompt
    does, with the word for question, and gives no answer after that. An answer in a full sentence has a word more than the question:
    the answer. A line that equals an option is an answer. In a language without spaces, sequences of two or four characters are the
    words.
    """
    text, asked = normalise(line, lang), normalise(question, lang)
    if not text or not asked or any(text == normalise(option, lang) for option in options):
        return False
    words = language(lang).prompt
    if words and _begins_with_question(line, words.question, words.answer):
        return True
    if language(lang).words.spaces:
        parts = text.split()
        # A base model may begin the next question on the same line.
        known = _words_known(parts, f"{asked} {normalise(words.question, lang)}" if words else asked)
    else:
        parts = list(text.replace(" ", ""))
        known = _characters_known(text.replace(" ", ""), asked.replace(" ", ""))
    # The question at the end of the line, after some introduction. An answer would follow it.
    if all(known) or text.endswith(asked):
        return True
    if _is_question(line) and 5 * sum(known) >= 3 * len(known) and sum(known) >= 3:
        return True
    others = {part for part, is_known in zip(parts, known, strict=True) if not is_known}
    is_within = known[0] and known[-1] and 5 * known.count(False) <= len(known)
    return is_within and _names_are_told_apart(options, lang) and not others & _capitalised(line, lang)


def _begins_with_question(line: str, question: str, answer: str) -> bool:
    folded = line.casefold().lstrip("*#_ ")
    word = question.casefold()
    if not folded.startswith(word) or folded[len(word) :].lstrip("*_ ")[:1] not in (":", "："):
        return False
    return answer.casefold() not in folded


def _is_question(line: str) -> bool:
    return line.rstrip(_CLOSING)[-1:] in tuple(_QUESTION_MARKS)


def _names_are_told_apart(options: Sequence[str], lang: str) -> bool:
    """Return whether the language writes names with a capital letter and other words without, and all options are names."""
    return language(lang).words.capitals_mark_names and all(option[:1].isupper() for option in options)


def _capitalised(line: str, lang: str) -> set[str]:
    return {word for token in line.split() if any(map(str.isupper, token)) for word in normalise(token, lang).split()}


def _words_known(words: Sequence[str], source: str) -> list[bool]:
    """Return for each word whether `source` has the word or another form of it."""
    sources = set(source.split())
    return [word in sources or any(_is_form(word, other) for other in sources) for word in words]


def _is_form(word: str, other: str) -> bool:
    size = max(len(word), len(other)) - _ENDING
    return size >= _SHORTEST_STEM and word[:size] == other[:size] and min(len(word), len(other)) >= size and word.isalpha()


def _characters_known(text: str, source: str) -> list[bool]:
    """Return for each character of `text` whether it is part of a sequence that `source` has, too."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    size = 2 if 2 * wide >= len(text) else 4
    sequences = {source[start : start + size] for start in range(len(source) - size + 1)}
    known = [False] * len(text)
    for start in range(len(text) - size + 1):
        if text[start : start + size] in sequences:
            known[start : start + size] = [True] * size
    if size == 2 and 4 * known.count(False) <= len(known):
        # One ideograph within is "is" or "of"; an answer has more, or stands at an end.
        return [is_known or (0 < at < len(known) - 1 and known[at - 1] and known[at + 1]) for at, is_known in enumerate(known)]
    return known
