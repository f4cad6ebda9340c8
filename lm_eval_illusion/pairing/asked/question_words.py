"""The words of a question, in order, with what their spelling tells about them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.text.orthography import fold_letters

# A word between spaces and punctuation. Vowel signs, which `\w` does not match, belong to the word.
_WORD = re.compile(
    r"[^\s.,;:!?()\[\]{}\"'’“”„«»‘`´¿¡،؟؛、，。：；（）［］「」『』《》？！/|\u0964\u0965\u1362\u1363\u1367\u2010-\u2015%-]+"
)
# Question marks of Latin, Chinese, Arabic, Greek and Ethiopic; a Greek one may be written as a semicolon.
_QUESTION_MARK = re.compile("[?？؟;\u037e\u1367]")
_LATIN_OR_DIGITS = re.compile(r"[a-z0-9]+")


class Word(NamedTuple):
    """A word of a question, or a pair of adjacent characters in a language without spaces between words.

    `text`: folded. `start`: the index of its first unit. `is_name`: it is written with a capital that its place does not explain, in a
    language where capitals mark names, or in Latin letters within another script.
    """

    text: str
    start: int
    is_name: bool


@dataclass(frozen=True)
class QuestionWords:
    """A question as units, in which phrases are searched, and as words, by which questions are compared.

    `units`: the folded words, or the characters in a language without spaces between words. `words`: see `Word`.
    `is_statement`: the question has no question mark.
    """

    units: tuple[str, ...]
    words: tuple[Word, ...]
    is_statement: bool


def question_words(question: str, lang: str) -> QuestionWords:
    """Return the units and words of a question."""
    rules = language(lang).words
    if not rules.spaces:
        return QuestionWords(*_characters_and_pairs(_folded_runs(question, lang)), is_statement(question))
    runs = [(unit, run) for run in _runs(question) if (unit := folded(run, lang))]
    marks_names = rules.capitals_mark_names
    words = [
        Word(unit, index, index > 0 and ((marks_names and run[0].isupper()) or run.isdecimal()))
        for index, (unit, run) in enumerate(runs)
    ]
    return QuestionWords(tuple([unit for unit, _ in runs]), tuple(words), is_statement(question))


def text_units(text: str, lang: str) -> tuple[str, ...]:
    """Return the units of a question or an answer; the `units` of `question_words`."""
    runs = _folded_runs(text, lang)
    return tuple(runs) if language(lang).words.spaces else _characters_and_pairs(runs)[0]


def is_statement(question: str) -> bool:
    """Return whether a question has no question mark."""
    return _QUESTION_MARK.search(question) is None


def _runs(text: str) -> list[str]:
    """Return what stands between spaces and punctuation."""
    return _WORD.findall(text if text.isascii() else unicodedata.normalize("NFC", text))


def _folded_runs(text: str, lang: str) -> list[str]:
    return [unit for run in _runs(text) if (unit := folded(run, lang))]


def phrase_units(phrase: str, lang: str) -> tuple[str, ...]:
    """Return a phrase of a language file as units; `*` stays where it stands."""
    runs = _runs(phrase)
    return tuple(folded(run, lang) for run in runs) if language(lang).words.spaces else tuple(folded("".join(runs), lang))


@lru_cache(maxsize=200_000)
def folded(word: str, lang: str) -> str:
    """Return a word in the language's usual spelling, caseless, without characters that can't be seen (category Cf)."""
    text = fold_letters(word, lang)
    return text if text.isascii() else "".join(character for character in text if unicodedata.category(character) != "Cf")


def _characters_and_pairs(runs: list[str]) -> tuple[tuple[str, ...], tuple[Word, ...]]:
    """Return all characters, and the pairs of adjacent ones within each run; Latin words and digits stay whole. `runs`: folded."""
    units: list[str] = []
    words: list[Word] = []
    for run in runs:
        start = len(units)
        units += [*run, " "]
        if _LATIN_OR_DIGITS.fullmatch(run):
            words.append(Word(run, start, True))
        elif len(run) == 1:
            words.append(Word(run, start, False))
        else:
            words += [Word(run[index : index + 2], start + index, False) for index in range(len(run) - 1)]
    return tuple(units), tuple(words)
