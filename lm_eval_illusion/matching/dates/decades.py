"""Decades: the 1990s, the '90s, the nineties. A decade is no year, and a year is no decade."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.numbers.tokens import Phrases, Tokens, phrase_table, tokens_of, words_of

_DIGIT = re.compile(r"\d")
_WITH_S = re.compile(r"(\d{2}|\d{4})s")
_MOST_WORDS, _MOST_CHARACTERS = 5, 12
"""Tokens before or behind a number in which the word for a decade is searched."""
_LAST_CENTURY = range(1900, 2000)
"""A decade without a century is one of these years."""


class Decade(NamedTuple):
    """A decade in a text: its first year, and the indices of its first token and behind its last one.

    A first year below 100 is one of an unknown century: the nineties.
    """

    first_year: int
    first: int
    after: int


def same_decade(one: int, other: int) -> bool:
    """Return whether two decades are the same; without a century it is one of the last one."""
    in_full = [year + _LAST_CENTURY.start if year < 100 else year for year in (one, other)]
    return in_full[0] == in_full[1]


@lru_cache(maxsize=1_000)
def decade_of(text: str, lang: str) -> int | None:
    """Return the first year of the decade that a text is; None if it is none, or says more."""
    words, named = words_of(text, lang), _named(lang)
    # Most answers are names.
    if not _DIGIT.search(text) and not any(named.at(words, index) for index in range(len(words))):
        return None
    tokens = tokens_of(text, lang)
    articles = set(language(lang).words.articles)
    found = next(find_decades(tokens), None)
    is_whole = found is not None and found.after == len(tokens.words) and set(tokens.words[: found.first]) <= articles
    return found.first_year if found is not None and is_whole else None


def find_decades(tokens: Tokens) -> Iterator[Decade]:
    """Yield the decades of a text from left to right."""
    lang = tokens.line.lang
    words, named = tokens.words, _named(lang)
    for index, word in enumerate(words):
        if found := named.at(words, index):
            yield Decade(_in_century(found[0], tokens, index), index, found[1])
        elif with_s := _WITH_S.fullmatch(word):
            if with_s[1][-1] == "0":
                yield Decade(int(with_s[1]), index, index + 1)
        elif len(word) in (2, 4) and word.isdecimal() and word[-1] == "0":
            decade = _with_word(tokens, index)
            if decade is not None:
                yield decade._replace(first_year=_in_century(int(word), tokens, decade.first))


def _with_word(tokens: Tokens, index: int) -> Decade | None:
    """Return the decade of a round number that has a word for "decade" beside it."""
    words, lang = tokens.words, tokens.line.lang
    before, after = _patterns(lang)
    has_spaces, particles = language(lang).words.spaces, language(lang).words.particles
    space, most = (" ", _MOST_WORDS) if has_spaces else ("", _MOST_CHARACTERS)
    for count in range(1, min(index, most) + 1):
        if before.fullmatch(space.join(words[index - count : index])):
            return Decade(0, index - count, index + 1)
    for count in range(min(len(words) - index - 1, most), 0, -1):
        text = space.join(words[index + 1 : index + 1 + count])
        if any(text.endswith(end) and after.fullmatch(text, 0, len(text) - len(end)) for end in ("", *particles)):
            return Decade(0, index, index + 1 + count)
    return None


def _in_century(year: int, tokens: Tokens, index: int) -> int:
    """Return the year with the century that stands in the words before it: 20世纪90年代."""
    century = language(tokens.line.lang).dates.century
    if year >= 100 or century is None:
        return year
    for at in range(max(0, index - _MOST_WORDS), index):
        number = tokens.numbers.get(at)
        if number is not None and 1 <= number.value <= 21 and century.match("".join(tokens.words[number.after : index])):
            return 100 * (int(number.value) - 1) + year
    return year


@cache
def _patterns(lang: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    numbers = language(lang).numbers
    nothing = re.compile("(?!)")
    return numbers.before_decade or nothing, numbers.after_decade or nothing


@cache
def _named(lang: str) -> Phrases[int]:
    names = language(lang).dates.decades
    return phrase_table(((name, tens) for tens, phrases in names.items() for name in phrases), lang)
