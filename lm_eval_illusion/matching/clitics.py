"""Search for an answer in languages that attach particles or one-letter words to a word (Korean, Arabic, Hebrew)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.languages.record import Words

_MIN_PREFIXED_LENGTH = 3
"""Shorter words are often the end of another word: رد in ورد."""


def find_with_clitics(answer: Sequence[str], text: Sequence[str], lang: str) -> Iterator[int]:
    """Yield the index of each word of a text at which an answer begins, to which particles or one-letter words are attached.

    Nothing in a language that attaches none.

    Args:
        answer: Normalised words, at least one.
        text: Normalised words.
        lang: ISO 639-1 code.
    """
    words = language(lang).words
    if not words.particles and not words.prefixes:
        return
    for start in range(len(text) - len(answer) + 1):
        window = text[start : start + len(answer)]
        if (words.particles and _equal_but_particle(answer, window, lang)) or (
            words.prefixes and _equal_but_prefix(answer, window, words)
        ):
            yield start


def _equal_but_particle(answer: Sequence[str], window: Sequence[str], lang: str) -> bool:
    """Compare tokens; the last token of the output may end in a particle.

    Only the output may have one: 콩고 is not 콩 with a particle, so nothing is removed from an answer.
    """
    noun, word = answer[-1], window[-1]
    particle = word[len(noun) :]
    # A noun of one syllable with a particle of one syllable is too often another word: 인도, 비만.
    is_long_enough = len(answer) > 1 or len(noun) > 1 or len(particle) > 1
    return is_long_enough and word.startswith(noun) and particle in _particles(lang) and answer[:-1] == window[:-1]


def _equal_but_prefix(answer: Sequence[str], window: Sequence[str], words: Words) -> bool:
    """Compare tokens; the first token of the output may begin with a one-letter word, which an article may follow: والمدرسة."""
    first, word = answer[0], window[0]
    if word[:1] not in words.prefixes or len(first) < _MIN_PREFIXED_LENGTH:
        return False
    return first in (word[1:].removeprefix(words.prefixed_article), word[1:]) and answer[1:] == window[1:]


@cache
def _particles(lang: str) -> frozenset[str]:
    return frozenset(language(lang).words.particles)
