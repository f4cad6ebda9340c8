"""Ranges: two numbers of a text that are the ends of one, as in 20-30, "from 1861 to 1865" and "between 5 and 10"."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.found_numbers import FoundNumber, word_set
from lm_eval_illusion.matching.punctuation import RANGE

_MOST_WORDS = 5
"""Words between the two numbers of a range, or before and behind them, that may make a range of them."""
# A dash behind the unit of the first number: 5 km – 10 km. The normal form lacks it.
_DASHED = re.compile(r"\s*[^\W\d]{1,10}\s*[–—~〜～]\s*")
_MOST_CHARACTERS = 8
"""The same in characters, where no spaces separate words."""


def with_ranges(
    words: Sequence[str], numbers: Sequence[FoundNumber], lang: str, written: Callable[[FoundNumber, FoundNumber], str]
) -> tuple[FoundNumber, ...]:
    """Return the numbers of a line, with one number for each two that are the ends of a range.

    Args:
        words: The words of the normal form.
        numbers: The numbers among them.
        lang: ISO 639-1 code.
        written: Returns the text between two numbers as written.
    """

    def joined(one: FoundNumber, other: FoundNumber) -> FoundNumber | None:
        if words[one.after : other.first] == (RANGE,):
            # Three numbers with dashes are a date.
            is_date = RANGE in (*words[max(0, one.first - 1) : one.first], *words[other.after : other.after + 1])
            return None if is_date else _with_years(words, _range(one, other), lang)
        if other.first - one.after > _MOST_WORDS or not _rises(one, other):
            return None
        if other.first - one.after == 1 and _DASHED.fullmatch(written(one, other)):
            return _with_years(words, _range(one, other), lang)
        return _said_in_words(words, one, other, lang)

    return _joined(numbers, joined)


def with_character_ranges(
    text: str, numbers: Sequence[FoundNumber], lang: str, written: Callable[[FoundNumber, FoundNumber], str]
) -> tuple[FoundNumber, ...]:
    """Return the numbers of a clause without spaces between words, with one number for each two that are the ends of a range.

    Arguments are those of `with_ranges`, with the normal form instead of its words.
    """
    pattern = language(lang).numbers.words.ranges

    def joined(one: FoundNumber, other: FoundNumber) -> FoundNumber | None:
        between = text[one.after : other.first]
        if between == RANGE:
            is_date = RANGE in (text[max(0, one.first - 1) : one.first], text[other.after : other.after + 1])
            return None if is_date else _range(one, other)
        if len(between) > _MOST_CHARACTERS or not _rises(one, other):
            return None
        if _DASHED.fullmatch(written(one, other)):
            return _range(one, other)
        if pattern is None:
            return None
        before, behind = (
            text[max(0, one.first - _MOST_CHARACTERS) : one.first],
            text[other.after : other.after + _MOST_CHARACTERS],
        )
        return _range(one, other) if pattern.search(f"{before}#{between}#{behind}") else None

    return _joined(numbers, joined)


def _joined(
    numbers: Sequence[FoundNumber], joined: Callable[[FoundNumber, FoundNumber], FoundNumber | None]
) -> tuple[FoundNumber, ...]:
    found: list[FoundNumber] = []
    for number in numbers:
        both = joined(found[-1], number) if found else None
        if both:
            found[-1] = both
        else:
            found.append(number)
    return tuple(found)


def _said_in_words(words: Sequence[str], one: FoundNumber, other: FoundNumber, lang: str) -> FoundNumber | None:
    """Return the range of two numbers that the words beside them make a range, with these words."""
    pattern = language(lang).numbers.words.ranges
    if pattern is None:
        return None
    start, stop = max(0, one.first - _MOST_WORDS), min(len(words), other.after + _MOST_WORDS)
    places = [*range(start, one.first + 1), *range(one.after, other.first + 1), *range(other.after, stop)]
    numbers = {one.first: "#", other.first: "#"}
    kept = [(numbers.get(place, words[place]), place) for place in places if words[place] not in _years(lang)]
    match = pattern.search(f" {' '.join(word for word, _ in kept)} ")
    if match is None:
        return None
    said = [word for word, _ in kept]
    first, last = said.index("#"), len(said) - 1 - said[::-1].index("#")
    before, *_, behind = match.group().split("#")
    first, last = first - len(before.split()), last + len(behind.split())
    after = other.after if last < len(kept) and kept[last][1] == other.first else kept[last][1] + 1
    return _with_years(words, _range(one, other, kept[first][1], after), lang)


def _with_years(words: Sequence[str], number: FoundNumber | None, lang: str) -> FoundNumber | None:
    """Return the range with a word for "year" behind it."""
    if number is None or words[number.after : number.after + 1] == () or words[number.after] not in _years(lang):
        return number
    return number._replace(after=number.after + 1)


def _rises(one: FoundNumber, other: FoundNumber) -> bool:
    return not isinstance(one.value, tuple) and not isinstance(other.value, tuple) and one.value < other.value


def _range(one: FoundNumber, other: FoundNumber, first: int | None = None, after: int | None = None) -> FoundNumber | None:
    if isinstance(one.value, tuple) or isinstance(other.value, tuple):
        return None
    start, end = one.value, other.value
    if end < 100 <= start < 10_000 and start % 100 < end:
        # 1914-18 ends in 1918.
        end += start - start % 100
    return FoundNumber((start, end), "range", one.first if first is None else first, other.after if after is None else after)


@cache
def _years(lang: str) -> frozenset[str]:
    """Return the words for "year" that may stand beside the numbers of a range."""
    return word_set(language(lang).dates.year_words, lang)
