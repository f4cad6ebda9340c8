"""The phrases of section [asking] of a language file, and where they stand in a question."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.pairing.asked.question_words import phrase_units

WHICH = "which"
THING = "thing"
CLASSES = ("person", "place", "time", "quantity", "reason", "manner", THING, WHICH)
"""What an interrogative asks for. `which` asks for the kind that the noun beside it names, `thing` for any thing."""
WHO_IS = "who is"
"""A person, or what the noun behind it names."""
WHERE_IS = "where is"
"""A place, or what the noun beside it names."""
EMPTY = "empty"
"""A noun that says nothing about the kind, such as "name"."""

Group = Literal["interrogatives", "naming", "pointing", "nouns"]
"""Interrogatives; words that ask for what the noun behind them says, as commands and in statements; nouns that say a kind."""


class _Phrase(NamedTuple):
    """A phrase in units (`phrase_units`), and what it asks for. `rest`: the units behind the first one, None if one has a `*`."""

    units: tuple[str, ...]
    kind: str
    rest: tuple[str, ...] | None


@dataclass(frozen=True)
class Found:
    """A phrase in a question, from unit `start` to before unit `end`."""

    kind: str
    start: int
    end: int


def gap(first: Found, second: Found) -> int:
    """Return how many units stand between two phrases."""
    return max(first.start - second.end, second.start - first.end, 0)


@cache
def _table(lang: str, group: Group) -> Mapping[str, Sequence[_Phrase]]:
    """Return the phrases by the `_key` of their first unit, the longest first."""
    asking = language(lang).asking
    if group == "nouns":
        return _by_first_unit(noun_lists(lang).items(), lang)
    if group == "interrogatives":
        # Of the same words in two lists, the first list counts.
        first = [(WHO_IS, asking.who_is), (WHERE_IS, asking.where_is)]
        return _by_first_unit([*first, *((kind, getattr(asking, kind)) for kind in CLASSES)], lang)
    return _by_first_unit([(WHICH, getattr(asking, group))], lang)


@cache
def bare_which(lang: str) -> frozenset[tuple[str, ...]]:
    """Return the units of words for "which" in which other ones end, and that end in no shorter one: what, for "what" and "is what".

    For languages where "which" stands last; empty for others.
    """
    asking = language(lang).asking
    units = [phrase_units(phrase, lang) for phrase in asking.which] if asking.which_last else []
    longer = {one for one in units if any(_ends_with(one, other) for other in units)}
    return frozenset(one for one in units if one not in longer and any(_ends_with(other, one) for other in longer))


def _ends_with(units: Sequence[str], ending: Sequence[str]) -> bool:
    return len(units) > len(ending) and units[-len(ending) :] == ending


def noun_lists(lang: str) -> dict[str, tuple[str, ...]]:
    """Return kind -> the nouns that ask for it, empty nouns included."""
    asking = language(lang).asking
    return {**asking.nouns, "time": asking.time_nouns, "quantity": asking.quantity_nouns, EMPTY: asking.empty_nouns}


def _by_first_unit(entries: Iterable[tuple[str, tuple[str, ...]]], lang: str) -> Mapping[str, Sequence[_Phrase]]:
    phrases = [_phrase(phrase_units(phrase, lang), kind) for kind, listed in entries for phrase in listed]
    by_first: dict[str, list[_Phrase]] = defaultdict(list)
    for phrase in sorted(phrases, key=lambda phrase: -len(phrase.units)):
        by_first[_key(phrase.units[0])].append(phrase)
    return by_first


def _phrase(units: tuple[str, ...], kind: str) -> _Phrase:
    return _Phrase(units, kind, None if any("*" in unit for unit in units[1:]) else units[1:])


def _key(first: str) -> str:
    """Return what is known of a unit that fits the first one of a phrase: all of it, its first or its last character, or nothing."""
    if "*" not in first:
        return first
    return f"{first[0]}*" if first[0] != "*" else f"*{first[-1]}" if first[-1] != "*" else "*"


def _candidates(unit: str, phrases: Mapping[str, Sequence[_Phrase]]) -> Iterator[_Phrase]:
    """Yield the phrases that may begin with a unit. Only few of those with a `*` are tried: some languages have a thousand."""
    for key in (unit, f"{unit[0]}*", f"*{unit[-1]}", "*"):
        yield from phrases.get(key, ())


def find(units: Sequence[str], lang: str, group: Group) -> Iterator[Found]:
    """Yield the phrases of a group in a question from left to right, the longest at each place; they do not overlap."""
    index, count = 0, len(units)
    while index < count:
        end = index + 1
        # Most words begin no phrase, and most of those that do are not followed by its second word.
        beginning = _beginning(units[index], lang, group)
        if beginning is not None:
            is_second = end < count and units[end] in beginning.seconds
            for phrase in beginning.all if is_second else beginning.others:
                if _stands_at(phrase, units, index):
                    end = index + len(phrase.units)
                    yield Found(phrase.kind, index, end)
                    break
        index = end


class _Beginning(NamedTuple):
    """The phrases that a unit may begin, the longest first; of two patterns of a word the one with more letters.

    So 배우자는 is a spouse (배우자*), not an actor (배우*).

    `seconds`: the second units of phrases that state theirs without a `*`. `others`: the phrases that don't, such as those of one unit.
    """

    all: tuple[_Phrase, ...]
    others: tuple[_Phrase, ...]
    seconds: frozenset[str]


@lru_cache(maxsize=200_000)
def _beginning(unit: str, lang: str, group: Group) -> _Beginning | None:
    """Return the phrases that a unit may begin, None if there are none."""
    fitting = [phrase for phrase in _candidates(unit, _table(lang, group)) if _is(unit, phrase.units[0])]
    if not fitting:
        return None
    fitting.sort(key=lambda phrase: (len(phrase.units), sum(map(len, phrase.units))), reverse=True)
    others = [phrase for phrase in fitting if len(phrase.units) == 1 or "*" in phrase.units[1]]
    seconds = frozenset(phrase.units[1] for phrase in fitting if len(phrase.units) > 1)
    return _Beginning(tuple(fitting), tuple(others), seconds)


def _stands_at(phrase: _Phrase, units: Sequence[str], index: int) -> bool:
    """Return whether a phrase, whose first unit fits, stands at an index."""
    length = len(phrase.units)
    if length == 1:
        return True
    if phrase.rest is not None:
        return tuple(units[index + 1 : index + length]) == phrase.rest
    if index + length > len(units):
        return False
    return all(_is(units[index + place], phrase.units[place]) for place in range(1, length))


def _is(unit: str, pattern: str) -> bool:
    return unit == pattern or ("*" in pattern and _compiled(pattern).fullmatch(unit) is not None)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*"))
