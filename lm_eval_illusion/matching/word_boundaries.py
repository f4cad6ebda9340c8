"""Search for an answer in languages where spaces do not mark the beginning and end of a word.

Two cases: languages that attach particles or one-letter words to a word (Korean, Arabic, Hebrew), and languages that write no spaces
between words (Chinese, Japanese, Thai), where an answer is a substring.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.languages.record import Words
from lm_eval_illusion.matching.lines import CLAUSE_MARK, is_spaced
from lm_eval_illusion.matching.quantities import is_other_number

# Chinese numerals: a row of them is one number, so 十三 does not contain 三.
_NUMERALS = frozenset("〇零一二三四五六七八九十百千万亿兆萬億两兩")

_MIN_PREFIXED_LENGTH = 3
"""Shorter words are often the end of another word: رد in ورد."""


@lru_cache(maxsize=50_000)
def has_clause_mark(text: str) -> bool:
    """Return whether a text contains a comma, a colon, a quotation mark or another sign that ends a clause."""
    return CLAUSE_MARK.search(text) is not None


def find_answer(answer: str, text: str, lang: str) -> Iterator[tuple[int, int]]:
    """Yield where a text without word spaces contains an answer so that no boundary of the answer cuts a word or a number.

    A boundary may not cut a number (5 is not in 15), a Thai syllable, or a word in letters of a script that writes spaces. An answer of
    one ideograph is too often a part of another word: it counts only as the whole text or after a word for "is".

    Args:
        answer: Normalised, without unnecessary spaces.
        text: One clause, normalised, without unnecessary spaces.
        lang: ISO 639-1 code.
    """
    words = language(lang).words
    if len(answer) == 1 and _is_ideograph(answer):
        found = _lone_ideograph(words.copulas, words.final_copulas, answer).fullmatch(text)
        if found:
            yield found.span(1)
        return
    start = text.find(answer)
    while start >= 0:
        end = start + len(answer)
        if not (cuts_word(text, start, words) or cuts_word(text, end, words) or is_other_number(text, start, end, lang)):
            yield start, end
        start = text.find(answer, start + 1)


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


def cuts_word(text: str, index: int, words: Words) -> bool:
    """Return whether a boundary before this index cuts a word, a syllable or a number."""
    if not 0 < index < len(text):
        return False
    left, right = text[index - 1], text[index]
    if right in words.never_first or left in words.never_last or left + right in words.unbroken:
        return True
    return (is_spaced(left) and is_spaced(right)) or (left in _NUMERALS and right in _NUMERALS)


@lru_cache(maxsize=10_000)
def _is_ideograph(character: str) -> bool:
    return unicodedata.name(character, "").startswith("CJK") and character not in _NUMERALS


@lru_cache(maxsize=10_000)
def _lone_ideograph(copulas: str, final_copulas: tuple[str, ...], ideograph: str) -> re.Pattern[str]:
    before = f"(?:.*[{re.escape(copulas)}])?" if copulas else ""
    after = f"(?:{'|'.join(map(re.escape, final_copulas))})?" if final_copulas else ""
    return re.compile(f"{before}({ideograph}){after}")
