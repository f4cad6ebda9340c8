"""Conjugation: other forms of an answer that is a verb or an adjective in the form that a dictionary has (Japanese, Korean).

A form is one of the answer's stems with an ending. In Korean they may share a syllable, so syllables are compared by their sounds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from lm_eval_illusion.languages import language


def find_conjugated(answer: Sequence[str], text: Sequence[str], lang: str) -> Iterator[int]:
    """Yield the index of each word of a text at which an answer begins whose last word is conjugated.

    Args:
        answer: Normalised words, at least one.
        text: Normalised words.
        lang: ISO 639-1 code.
    """
    *others, verb = answer
    stems = _stems(verb, lang)
    if not stems:
        return
    for start in range(len(text) - len(answer) + 1):
        word = text[start + len(others)]
        if word != verb and list(text[start : start + len(others)]) == others and _is_conjugated(word, stems, lang):
            yield start


def find_conjugated_in_characters(answer: str, text: str, lang: str) -> Iterator[tuple[int, int]]:
    """Yield where a text without word spaces contains a conjugated form of an answer.

    Args:
        answer: Normalised, without unnecessary spaces.
        text: One clause, normalised, without unnecessary spaces.
        lang: ISO 639-1 code.
    """
    for stem in _stems(answer, lang):
        written = unicodedata.normalize("NFC", stem)
        start = text.find(written)
        while start >= 0:
            ending = _endings(lang).match(text, start + len(written))
            if ending:
                yield start, ending.end()
            start = text.find(written, start + 1)


@lru_cache(maxsize=100_000)
def _is_conjugated(word: str, stems: tuple[str, ...], lang: str) -> bool:
    decomposed = _sounds(word)
    return any(decomposed.startswith(stem) and _endings(lang).fullmatch(decomposed, len(stem)) is not None for stem in stems)


@lru_cache(maxsize=50_000)
def _stems(answer: str, lang: str) -> tuple[str, ...]:
    """Return the stems of a word, in sounds; none if it is not in a dictionary form of the language."""
    conjugation = language(lang).conjugation
    if conjugation.dictionary_form is None or not conjugation.dictionary_form.search(answer):
        return ()
    sounds = _sounds(answer)
    changed = (find.sub(replace, sounds) for find, replace in _stem_changes(lang) if find.search(sounds))
    return tuple(dict.fromkeys(_sounds(stem) for stem in changed))


@cache
def _stem_changes(lang: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(_sounds(stem.find.pattern)), stem.replace) for stem in language(lang).conjugation.stems)


@cache
def _endings(lang: str) -> re.Pattern[str]:
    endings = language(lang).conjugation.endings
    # Without endings nothing matches.
    return re.compile(_sounds(endings.pattern) if endings is not None else "(?!)")


def _sounds(text: str) -> str:
    """Return the text with each Korean syllable as its two or three sounds (Unicode NFD); all else stays."""
    return "".join(unicodedata.normalize("NFD", character) if "가" <= character <= "힣" else character for character in text)
