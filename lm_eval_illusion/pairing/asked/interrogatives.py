"""What class of answer a question asks for, by its interrogatives and by the nouns beside them.

"Who wrote Hamlet?" and "Which author wrote Hamlet?" ask for a person. The words stand in section [asking] of the language files.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.languages.record import NOUN_KINDS
from lm_eval_illusion.pairing.asked.question_words import phrase_units

WHICH = "which"
THING = "thing"
CLASSES = ("person", "place", "time", "quantity", "reason", "manner", THING, WHICH)
"""What an interrogative asks for. `which` asks for the kind that the noun beside it names, `thing` for any thing."""

WORDS_BEHIND, WORDS_BEFORE = 3, 1
"""A noun names the kind if at most so many words stand between "which" and it, behind and before "which"."""
FIRST_WORDS = 3
"""An interrogative that begins within so many first words is the one that asks; others may begin a clause ("the man who ...")."""
CHARACTERS_PER_WORD = 2
"""These limits are this many times as large where units are characters."""
_EMPTY = "empty"


@dataclass(frozen=True)
class AskedFor:
    """What a question asks for.

    `kind`: one of `CLASSES`, or the kind of a noun: "film", "city"; "" if nothing was found. `by_noun`: a noun decided the kind.
    `start`, `end`: the units of the phrase from which the kind is read: the noun, or else the interrogative; 0, 0 if there is none.
    """

    kind: str = ""
    by_noun: bool = False
    start: int = 0
    end: int = 0

    @property
    def parent(self) -> str:
        """The class of which the kind is a part: "person" for a writer, "" for none."""
        return NOUN_KINDS.get(self.kind, "") if self.by_noun else ""


def asked_for(units: Sequence[str], lang: str) -> AskedFor:
    """Return what a question asks for. `units`: of the question, see `question_words`."""
    table = _table(lang)
    scale = 1 if language(lang).words.spaces else CHARACTERS_PER_WORD
    asking = list(_find(units, table.interrogatives))
    main = next((one for one in asking if one.start < FIRST_WORDS * scale), asking[-1] if asking else None)
    nouns = list(_find(units, table.nouns))
    if main is not None and main.kind != WHICH:
        # Some languages ask for a painter with "who painter".
        beside = (noun for noun in nouns if noun.start == main.end and NOUN_KINDS.get(noun.kind) == main.kind)
        main = next(beside, main)
        return AskedFor(main.kind, main.kind not in CLASSES, main.start, main.end)
    if main is None:
        # "Name the river that ...": the first noun says the kind.
        first = next((noun for noun in nouns if noun.kind != _EMPTY), None)
        return AskedFor() if first is None else AskedFor(first.kind, True, first.start, first.end)
    place = main
    # "What is the name of the actress": each empty noun moves the place behind which the noun is expected.
    while (nearest := _nearest(nouns, place, scale)) is not None:
        if nearest.kind != _EMPTY:
            return AskedFor(nearest.kind, True, nearest.start, nearest.end)
        nouns.remove(nearest)
        place = nearest
    # "The capital of Norway is what?": the subject comes first, or directly before the rest.
    before = [noun for noun in nouns if noun.kind != _EMPTY and noun.end <= main.start]
    if main.end >= len(units) - scale and before:
        subject = before[0] if before[0].start < FIRST_WORDS * scale else before[-1]
        return AskedFor(subject.kind, True, subject.start, subject.end)
    return AskedFor(WHICH, False, place.start, place.end)


def _nearest(nouns: Iterable[_Found], place: _Found, scale: int) -> _Found | None:
    """Return the nearest noun within the limits; of two equally near ones, the one behind the place."""
    near = [noun for noun in nouns if _gap(noun, place) <= scale * (WORDS_BEFORE if noun.start < place.start else WORDS_BEHIND)]
    return min(near, key=lambda noun: (_gap(noun, place), noun.start < place.start), default=None)


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
    """The phrases of a language by the `_key` of their first unit, the longest first."""

    interrogatives: Mapping[str, Sequence[_Phrase]]
    nouns: Mapping[str, Sequence[_Phrase]]


@cache
def _table(lang: str) -> _Table:
    asking = language(lang).asking
    nouns = {**asking.nouns, "time": asking.time_nouns, "quantity": asking.quantity_nouns, _EMPTY: asking.empty_nouns}
    return _Table(
        _by_first_unit(((kind, getattr(asking, kind)) for kind in CLASSES), lang),
        _by_first_unit(nouns.items(), lang),
    )


def _by_first_unit(entries: Iterable[tuple[str, tuple[str, ...]]], lang: str) -> Mapping[str, Sequence[_Phrase]]:
    phrases = [_Phrase(phrase_units(phrase, lang), kind) for kind, listed in entries for phrase in listed]
    by_first: dict[str, list[_Phrase]] = defaultdict(list)
    for phrase in sorted(phrases, key=lambda phrase: -len(phrase.units)):
        by_first[_key(phrase.units[0])].append(phrase)
    return by_first


def _key(first: str) -> str:
    """Return what is known of a unit that fits the first one of a phrase: all of it, its first or its last character, or nothing."""
    if "*" not in first:
        return first
    return f"{first[0]}*" if first[0] != "*" else f"*{first[-1]}" if first[-1] != "*" else "*"


def _candidates(unit: str, phrases: Mapping[str, Sequence[_Phrase]]) -> Iterator[_Phrase]:
    """Yield the phrases that may begin with a unit. Only few of those with a `*` are tried: some languages have a thousand."""
    for key in (unit, f"{unit[0]}*", f"*{unit[-1]}", "*"):
        yield from phrases.get(key, ())


def _find(units: Sequence[str], phrases: Mapping[str, Sequence[_Phrase]]) -> Iterator[_Found]:
    """Yield the phrases of a question from left to right, the longest at each place; they do not overlap."""
    index = 0
    while index < len(units):
        fitting = (phrase for phrase in _candidates(units[index], phrases) if _stands_at(phrase, units, index))
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
    return unit == pattern or ("*" in pattern and _compiled(pattern).fullmatch(unit) is not None)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*"))
