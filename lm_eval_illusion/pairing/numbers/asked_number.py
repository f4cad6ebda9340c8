"""Whether a question asks for a number or a time, from the question words of its language (section [asking] of the language files)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import chain
from typing import Literal, NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.languages.record import Asking
from lm_eval_illusion.matching.objections.context import context_of, phrases
from lm_eval_illusion.matching.text.lines import line_of

Asked = Literal["quantity", "time", "other", ""]
"""What a question asks for; "" if its words do not say it, or the language has no list of them."""

_MOST_WORDS, _MOST_CHARACTERS = 4, 16
"""How far a noun may stand from "which": "which of these years" has two words between. Characters where no spaces separate words."""

_KINDS: tuple[tuple[str, Asked], ...] = (
    ("quantity", "quantity"),
    ("time", "time"),
    ("person", "other"),
    ("place", "other"),
    ("reason", "other"),
    ("manner", "other"),
)
_NOUNS: tuple[tuple[str, Asked], ...] = (
    ("quantity_nouns", "quantity"),
    ("time_nouns", "time"),
    ("person_nouns", "other"),
    ("place_nouns", "other"),
)


class _Hit(NamedTuple):
    """A place of the question, in characters of its context, and what its words ask for."""

    start: int
    end: int
    asked: Asked


@lru_cache(maxsize=100_000)
def asked_for(question: str, lang: str) -> Asked:
    """Return what a question asks for.

    Its first question word decides, and of several at one place the longest: "how old" before "how". Beside "which" the nearest noun
    decides; without any question word, a noun that asks for a number or else one that asks for a time.
    """
    if language(lang).asking == Asking():
        return ""
    text = context_of(line_of(question, lang, keeps_articles=True)).text
    direct = min(_hits(text, _KINDS, lang), key=_first_and_longest, default=None)
    which = [_Hit(match.start(), match.end(), "") for match in _pattern("which", lang).finditer(text)]
    nouns = list(_hits(text, _NOUNS, lang))
    first_which = min(which, key=_first_and_longest, default=None)
    if first_which is not None and (direct is None or _first_and_longest(first_which) < _first_and_longest(direct)):
        near = [noun for noun in nouns if _distance(text, first_which, noun, lang) <= _farthest(lang)]
        nearest = min(near, key=lambda noun: (_distance(text, first_which, noun, lang), noun.start - noun.end), default=None)
        return nearest.asked if nearest is not None else ""
    if direct is not None:
        return direct.asked
    # "In 1920, this number of states": a year is more often mentioned than asked for.
    return next((asked for asked in ("quantity", "time") if any(noun.asked == asked for noun in nouns)), "")


def _first_and_longest(hit: _Hit) -> tuple[int, int]:
    return hit.start, -hit.end


def _hits(text: str, lists: tuple[tuple[str, Asked], ...], lang: str) -> Iterator[_Hit]:
    matches = chain.from_iterable(((match, asked) for match in _pattern(field, lang).finditer(text)) for field, asked in lists)
    yield from (_Hit(match.start(), match.end(), asked) for match, asked in matches)


@cache
def _pattern(field: str, lang: str) -> re.Pattern[str]:
    entries: tuple[str, ...] = getattr(language(lang).asking, field)
    return phrases(entries, lang)


def _distance(text: str, one: _Hit, other: _Hit, lang: str) -> int:
    """Return the number of words, or of characters where no spaces separate words, between two places."""
    between = text[min(one.end, other.end) : max(one.start, other.start)]
    return len(between.split()) if language(lang).words.spaces else len(between)


def _farthest(lang: str) -> int:
    return _MOST_WORDS if language(lang).words.spaces else _MOST_CHARACTERS
