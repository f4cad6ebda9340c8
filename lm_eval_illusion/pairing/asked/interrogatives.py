"""What class of answer a question asks for, by its interrogatives and by the nouns beside them.

"Who wrote Hamlet?" and "Which author wrote Hamlet?" ask for a person. The words stand in section [asking] of the language files.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.pairing.asked.question_words import phrase_units

WHICH = "which"
CLASSES = ("person", "place", "time", "quantity", "reason", "manner", WHICH)
"""What an interrogative asks for. `which` asks for a thing, or for the kind that the noun beside it names."""
NOUN_CLASSES = ("person", "place", "time", "quantity")
"""The classes that nouns may have: author, city, year, height."""

NOUN_WINDOW = 5
"""A noun decides the class if at most so many words stand between it and "which"."""
FIRST_WORDS = 3
"""An interrogative that begins within so many first words is the one that asks; others may begin a clause ("the man who ...")."""
CHARACTERS_PER_WORD = 2
"""Both limits are this many times as large where units are characters."""
_EMPTY = "empty"


@dataclass(frozen=True)
class Asked:
    """What a question asks for.

    `kind`: one of `CLASSES`, "" if no interrogative was found. `by_noun`: a noun beside "which" decided the kind. `start`, `end`: the
    units of the phrase from which the kind is read: the noun, or else the interrogative; 0, 0 if there is none.
    """

    kind: str = ""
    by_noun: bool = False
    start: int = 0
    end: int = 0


def asked_for(units: Sequence[str], lang: str) -> Asked:
    """Return what a question asks for. `units`: of the question, see `question_words`."""
    table = _table(lang)
    scale = 1 if language(lang).words.spaces else CHARACTERS_PER_WORD
    asking = list(_find(units, table.interrogatives, lang))
    if not asking:
        return Asked()
    main = asking[0] if asking[0].start < FIRST_WORDS * scale else asking[-1]
    if main.kind != WHICH:
        return Asked(main.kind, False, main.start, main.end)
    found = [noun for noun in _find(units, table.nouns, lang) if _gap(noun, main) <= NOUN_WINDOW * scale]
    nouns = [noun for noun in found if noun.kind != _EMPTY] or found
    # At equal distance, the noun behind "which" decides.
    nearest = min(nouns, key=lambda noun: (_gap(noun, main), noun.start < main.start), default=main)
    if nearest.kind in (WHICH, _EMPTY):
        return Asked(WHICH, False, nearest.start, nearest.end)
    return Asked(nearest.kind, True, nearest.start, nearest.end)


@dataclass(frozen=True)
class _Phrase:
    units: tuple[str, ...]
    kind: str


@dataclass(frozen=True)
class _Found:
    """A phrase in a question, from unit `start` to before unit `end`."""

    kind: str
    start: int
    end: int


def _gap(first: _Found, second: _Found) -> int:
    """Return how many units stand between two phrases."""
    return max(first.start - second.end, second.start - first.end, 0)


@dataclass(frozen=True)
class _Table:
    """The phrases of a language by their first unit, the longest first; those whose first unit has a `*` stand under "*"."""

    interrogatives: Mapping[str, Sequence[_Phrase]]
    nouns: Mapping[str, Sequence[_Phrase]]


@cache
def _table(lang: str) -> _Table:
    asking = language(lang).asking
    return _Table(
        _by_first_unit(((kind, getattr(asking, kind)) for kind in CLASSES), lang),
        _by_first_unit(((kind, getattr(asking, f"{kind}_nouns")) for kind in (*NOUN_CLASSES, _EMPTY)), lang),
    )


def _by_first_unit(entries: Iterator[tuple[str, tuple[str, ...]]], lang: str) -> Mapping[str, Sequence[_Phrase]]:
    phrases = [_Phrase(phrase_units(phrase, lang), kind) for kind, listed in entries for phrase in listed]
    by_first: dict[str, list[_Phrase]] = defaultdict(list)
    for phrase in sorted(phrases, key=lambda phrase: -len(phrase.units)):
        first = phrase.units[0]
        by_first["*" if "*" in first else first].append(phrase)
    return by_first


def _find(units: Sequence[str], phrases: Mapping[str, Sequence[_Phrase]], lang: str) -> Iterator[_Found]:
    """Yield the phrases of a question from left to right, the longest at each place; they do not overlap."""
    starred = phrases.get("*", ())
    index = 0
    while index < len(units):
        fitting = (phrase for phrase in (*phrases.get(units[index], ()), *starred) if _stands_at(phrase, units, index))
        longest = max(fitting, key=lambda phrase: len(phrase.units), default=None)
        if longest is None:
            index += 1
        else:
            yield _Found(longest.kind, index, index + len(longest.units))
            index += len(longest.units)


def _stands_at(phrase: _Phrase, units: Sequence[str], index: int) -> bool:
    if index + len(phrase.units) > len(units):
        return False
    return all(_is(unit, pattern) for unit, pattern in zip(units[index:], phrase.units, strict=False))


def _is(unit: str, pattern: str) -> bool:
    return unit == pattern or ("*" in pattern and _fits(unit, pattern))


@lru_cache(maxsize=500_000)
def _fits(unit: str, pattern: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), unit) is not None
