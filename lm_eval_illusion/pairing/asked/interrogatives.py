"""What class of answer a question asks for, by its interrogatives and by the nouns beside them.

"Who wrote Hamlet?" and "Which author wrote Hamlet?" ask for a person. The words stand in section [asking] of the language files.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

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
MIN_FIRST_PART, MIN_HEAD = 3, 4
"""Least numbers of letters of the two parts of a compound: shorter ones stand in other words by chance."""
_EMPTY, _WHO_IS, _WHERE_IS = "empty", "who is", "where is"


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


def asked_for(units: Sequence[str], lang: str, is_statement: bool = False) -> AskedFor:
    """Return what a question asks for.

    Args:
        units: Of the question, see `question_words`.
        lang: Code of the language.
        is_statement: The question has no question mark: "This planet has rings." asks for a planet.
    """
    table = _table(lang)
    scale = 1 if language(lang).words.spaces else CHARACTERS_PER_WORD
    asking = list(_find(units, lang, "interrogatives"))
    early = next((one for one in asking if one.start < FIRST_WORDS * scale), None)
    nouns = list(_find(units, lang, "nouns"))
    for place in _commands(units, lang, early, is_statement, scale):
        named = _noun(units, nouns, place, table, scale)
        if named.by_noun and named.start >= place.end:
            return named
    main = early or (asking[-1] if asking else None)
    if main is None:
        return _without_interrogative(units, nouns, table, scale)
    if main.kind == _WHO_IS:
        noun = _noun(units, nouns, main, table, scale)
        is_beside = noun.start >= main.end or table.noun_last or table.which_last
        is_one = is_beside and (noun.parent == "person" or noun.kind == "god")
        # "विश्व का सबसे छोटा देश कौन है?"
        is_subject = table.noun_last and noun.by_noun and noun.end == main.start and main.end >= len(units) - scale
        return noun if is_one or is_subject else AskedFor("person", False, main.start, main.end)
    if main.kind == _WHERE_IS:
        noun = _noun(units, nouns, main, table, scale)
        is_one = noun.by_noun and noun.kind not in ("time", "quantity") and noun.parent != "person"
        return noun if is_one else AskedFor("place", False, main.start, main.end)
    if main.kind != WHICH:
        # Some languages ask for a painter with "who painter". "Where tower" asks for its place.
        beside = (noun for noun in nouns if noun.start == main.end and NOUN_KINDS.get(noun.kind) == main.kind == "person")
        main = next(beside, main)
        return AskedFor(main.kind, main.kind not in CLASSES, main.start, main.end)
    found = _noun(units, nouns, main, table, scale)
    if table.noun_last:
        # Nouns farther before belong to what describes it: "the navy of the general is what?"
        return found
    # "The capital of Norway is what?": the subject comes first, or directly before the rest.
    before = [noun for noun in nouns if noun.kind != _EMPTY and noun.end <= main.start]
    is_beside = found.by_noun and found.end >= main.start
    # "The bear eats what?": where "which" stands last, the subject is asked only by a phrase with "is", such as "là gì".
    is_object = tuple(units[main.start : main.end]) in table.bare
    if not is_beside and not is_object and main.end >= len(units) - scale and before:
        is_first = before[0].start < FIRST_WORDS * scale
        subject = before[0] if is_first else before[-1]
        if is_first or not found.by_noun:
            return AskedFor(subject.kind, True, subject.start, subject.end)
    return found


def _without_interrogative(units: Sequence[str], nouns: Sequence[_Found], table: _Table, scale: int) -> AskedFor:
    """Return what the noun beside "name" asks for, or else the first noun; the last one where descriptions stand before nouns."""
    for empty in (noun for noun in nouns if noun.kind == _EMPTY):
        named = _noun(units, [noun for noun in nouns if noun is not empty], empty, table, scale)
        if named.by_noun:
            return named
    naming = [noun for noun in nouns if noun.kind != _EMPTY]
    if not naming:
        return AskedFor()
    noun = naming[-1 if table.noun_last else 0]
    return AskedFor(noun.kind, True, noun.start, noun.end)


def _commands(units: Sequence[str], lang: str, early: _Found | None, is_statement: bool, scale: int) -> Iterator[_Found]:
    """Yield the words that ask without an interrogative: "name the ...", and "this" in a statement."""
    if early is None or early.start > 0:
        beginning = units[: early.start if early else FIRST_WORDS * scale]
        yield from _find(beginning, lang, "naming")
    if early is None and is_statement:
        yield from _find(units, lang, "pointing")


def _noun(units: Sequence[str], nouns: Sequence[_Found], place: _Found, table: _Table, scale: int) -> AskedFor:
    """Return what the noun beside a place asks for; `WHICH` if no noun is near."""
    left, first = list(nouns), place
    # "What is the name of the actress": each empty noun moves the place behind which the noun is expected.
    while nearest := _nearest(left, place, table, scale):
        if nearest.kind != _EMPTY:
            if table.heads_last:
                nearest = _last_of_compound(left, nearest, units)
            return AskedFor(nearest.kind, True, nearest.start, nearest.end)
        left.remove(nearest)
        place = nearest
    for index in range(place.end, min(place.end + WORDS_BEHIND, len(units)) if table.heads else place.end):
        if kind := _kind_of_compound(units[index], table.heads):
            return AskedFor(kind, True, index, index + 1)
    # "The author has what name?", where the noun stands before.
    is_at_end = place.end >= len(units) - 2 * scale
    if table.noun_last and is_at_end and place != first and (noun := _nearest(left, first, table, scale)):
        return AskedFor(noun.kind, True, noun.start, noun.end)
    return AskedFor(WHICH, False, place.start, place.end)


def _kind_of_compound(word: str, heads: Mapping[str, str]) -> str:
    """Return the kind of the longest noun with which a word ends: mountain for "Alpengipfel"; "" if there is none."""
    starts = range(MIN_FIRST_PART, len(word) - MIN_HEAD + 1)
    return next((heads[word[start:]] for start in starts if word[start:] in heads), "")


def _last_of_compound(nouns: Sequence[_Found], noun: _Found, units: Sequence[str]) -> _Found:
    """Return the last of the nouns that follow one another from a noun on: singer in "country singer"."""
    for following in nouns:
        # "Which club plays here?", "What would scientists show?": a verb behind a singular or plural noun.
        is_verb = _ends_in_s(units[following.end - 1]) or _ends_in_s(units[noun.end - 1])
        if following.start == noun.end and not is_verb and following.kind not in (_EMPTY, "time", "quantity"):
            noun = following
    return noun


def _ends_in_s(word: str) -> bool:
    return word.endswith("s") and not word.endswith("ss")


def _nearest(nouns: Iterable[_Found], place: _Found, table: _Table, scale: int) -> _Found | None:
    """Return the nearest noun within the limits; of two equally near ones, the one behind the place, or before it by `which_last`."""
    near = [noun for noun in nouns if _gap(noun, place) <= scale * (WORDS_BEFORE if noun.start < place.start else WORDS_BEHIND)]
    return min(near, key=lambda noun: (_gap(noun, place), (noun.start < place.start) != table.which_last), default=None)


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
    naming: Mapping[str, Sequence[_Phrase]]
    pointing: Mapping[str, Sequence[_Phrase]]
    nouns: Mapping[str, Sequence[_Phrase]]
    heads_last: bool
    """See `Asking.heads_last`."""
    heads: Mapping[str, str]
    """Noun -> kind, for the last parts of compounds; empty where nouns are not joined to one word."""
    noun_last: bool
    which_last: bool
    bare: frozenset[tuple[str, ...]]


@cache
def _table(lang: str) -> _Table:
    asking = language(lang).asking
    nouns = {**asking.nouns, "time": asking.time_nouns, "quantity": asking.quantity_nouns, _EMPTY: asking.empty_nouns}
    words = [(phrase_units(noun, lang), kind) for kind, listed in nouns.items() if kind != _EMPTY for noun in listed]
    heads = {units[0].removesuffix("*"): kind for units, kind in words if len(units) == 1 and not units[0].startswith("*")}
    return _Table(
        # Of the same words in two lists, the first list counts.
        _by_first_unit(
            [(_WHO_IS, asking.who_is), (_WHERE_IS, asking.where_is), *((kind, getattr(asking, kind)) for kind in CLASSES)], lang
        ),
        _by_first_unit([(WHICH, asking.naming)], lang),
        _by_first_unit([(WHICH, asking.pointing)], lang),
        _by_first_unit(nouns.items(), lang),
        asking.heads_last,
        heads if asking.joins_nouns else {},
        asking.noun_last,
        asking.which_last,
        _bare(asking.which, lang) if asking.which_last else frozenset(),
    )


def _bare(phrases: Sequence[str], lang: str) -> frozenset[tuple[str, ...]]:
    """Return the units of the phrases in which others end, and that end in no shorter one: what, for "what" and "is what"."""
    units = [phrase_units(phrase, lang) for phrase in phrases]
    longer = {one for one in units if any(_ends_with(one, other) for other in units)}
    return frozenset(one for one in units if one not in longer and any(_ends_with(other, one) for other in longer))


def _ends_with(units: Sequence[str], ending: Sequence[str]) -> bool:
    return len(units) > len(ending) and units[-len(ending) :] == ending


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


def _find(units: Sequence[str], lang: str, group: str) -> Iterator[_Found]:
    """Yield the phrases of a question from left to right, the longest at each place; they do not overlap. `group`: a field of `_Table`."""
    index = 0
    while index < len(units):
        # Most words begin no phrase.
        longest = next((phrase for phrase in _beginning(units[index], lang, group) if _stands_at(phrase, units, index)), None)
        if longest is None:
            index += 1
        else:
            yield _Found(longest.kind, index, index + len(longest.units))
            index += len(longest.units)


@lru_cache(maxsize=200_000)
def _beginning(unit: str, lang: str, group: str) -> tuple[_Phrase, ...]:
    """Return the phrases that a unit may begin, the longest first; of two patterns of a word the one with more letters.

    So 배우자는 is a spouse (배우자*), not an actor (배우*).
    """
    phrases = getattr(_table(lang), group)
    fitting = [phrase for phrase in _candidates(unit, phrases) if _is(unit, phrase.units[0])]
    return tuple(sorted(fitting, key=lambda phrase: (len(phrase.units), sum(map(len, phrase.units))), reverse=True))


def _stands_at(phrase: _Phrase, units: Sequence[str], index: int) -> bool:
    if index + len(phrase.units) > len(units):
        return False
    return all(_is(unit, pattern) for unit, pattern in zip(units[index:], phrase.units, strict=False))


def _is(unit: str, pattern: str) -> bool:
    return unit == pattern or ("*" in pattern and _compiled(pattern).fullmatch(unit) is not None)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*"))
