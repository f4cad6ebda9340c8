"""Numerals of a language: which words are parts of a number, and how the parts add up to its value.

All languages share one grammar. A number is a sum of parts, each smaller than what the part before it leaves open: forty leaves the
ones open, hundred the tens and ones. A multiplier multiplies the parts before it that are smaller. What differs between languages stands
in [numbers.words].
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache, lru_cache
from itertools import islice
from typing import Literal, NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.languages.record import NumberWords
from lm_eval_illusion.matching.normalize import normalise
from lm_eval_illusion.matching.numbers import DECIMAL_MARK

_DIGITS = re.compile(rf"\d{{1,24}}(?:{DECIMAL_MARK}\d{{1,24}})?")
_LONGEST_WORD = 100
"""Letters of the longest word that is taken for a numeral."""
_MOST_READINGS = 20
"""Readings of one word that are tried."""

Kind = Literal["cardinal", "multiplier", "ordinal", "digits", "joiner", "half", "plus_ten", "linker"]


class Numeral(NamedTuple):
    """A part of a number.

    Attributes:
        kind: What it does within a number.
        value: Its value; 0 for a joiner, and one half for a half.
        stands_alone: It needs no other numeral: thousand, but not thousands.
    """

    kind: Kind
    value: Decimal
    stands_alone: bool = True


class Part(NamedTuple):
    """A summand of a number.

    Attributes:
        value: Its value.
        open_below: The next summand must be smaller.
        is_open_multiplier: It is a multiplier whose factor may follow.
        times_ones: What ones behind a joiner are multiplied by, where a multiplier stands before its factor; 0 elsewhere.
    """

    value: Decimal
    open_below: Decimal
    is_open_multiplier: bool = False
    times_ones: Decimal = Decimal(0)


JOINER = Numeral("joiner", Decimal(0))
LINKER = Numeral("linker", Decimal(0))
_HALF = Numeral("half", Decimal("0.5"))
_ONE = Decimal(1)


class Reading(NamedTuple):
    """A number that has been read up to some word.

    Attributes:
        parts: Its summands.
        is_ordinal: It is an ordinal.
        is_joined: A word for "and" stands at its end.
    """

    parts: tuple[Part, ...]
    is_ordinal: bool
    is_joined: bool


class Lexicon(NamedTuple):
    """The numerals of a language.

    Attributes:
        words: Normalised numeral of one word -> what it means.
        phrases: First word of a numeral of several words -> all its words and what they mean, the longest first.
        initials: First letter -> the keys of `words` that begin with it, the longest first.
    """

    words: dict[str, Numeral]
    phrases: dict[str, list[tuple[tuple[str, ...], Numeral]]]
    initials: dict[str, list[str]]


@cache
def lexicon(lang: str) -> Lexicon:
    """Return the numerals of a language; empty if its file has none."""
    given = language(lang).numbers.words
    found: dict[str, Numeral] = {}
    for kind, table, endings in (
        ("ordinal", _ordered(given.ordinal_counting, 1, 1), given.ordinal_endings),
        ("ordinal", _ordered(given.ordinal_tens, 20, 10), given.ordinal_endings),
        ("ordinal", given.ordinals, given.ordinal_endings),
        ("multiplier", given.multipliers, given.endings),
        ("cardinal", _ordered(given.counting, 0, 1), given.endings),
        ("cardinal", _ordered(given.tens, 20, 10), given.endings),
        ("cardinal", _ordered(given.hundreds, 100, 100), given.endings),
        ("cardinal", given.cardinals, given.endings),
    ):
        found.update(_numerals(kind, table, endings, lang))  # type: ignore[arg-type]
    for word in given.plus_ten:
        found[_normal(word, lang)] = Numeral("plus_ten", Decimal(10), _normal(word, lang) in found)
    found.update((_normal(word, lang), JOINER) for word in given.joiners)
    found.update((_normal(word, lang), _HALF) for word in given.halves)
    found.update((_normal(word, lang), LINKER) for word in given.linkers)
    words = {word: numeral for word, numeral in found.items() if " " not in word}
    phrases: dict[str, list[tuple[tuple[str, ...], Numeral]]] = {}
    for phrase in sorted((word for word in found if " " in word), key=len, reverse=True):
        parts = tuple(phrase.split())
        phrases.setdefault(parts[0], []).append((parts, found[phrase]))
    initials: dict[str, list[str]] = {}
    for word in sorted(words, key=len, reverse=True):
        initials.setdefault(word[0], []).append(word)
    return Lexicon(words, phrases, initials)


def _ordered(words: str, first: int, step: int) -> dict[str, str]:
    """Return value -> words for a list of words whose values rise by a step."""
    return {str(first + step * index): entry for index, entry in enumerate(words.split())}


def _numerals(kind: Kind, table: Mapping[str, str], endings: str, lang: str) -> Iterator[tuple[str, Numeral]]:
    for value, words in table.items():
        alone, _, plural = words.partition("|")
        for word in filter(None, (*alone.split("/"), *plural.split("/"))):
            numeral = Numeral(kind, Decimal(value), word in alone.split("/"))
            written = [word] if not word.endswith("-") else [word[:-1] + ending.strip("-") for ending in endings.split()]
            yield from ((_normal(form, lang), numeral) for form in written)


def _normal(words: str, lang: str) -> str:
    return normalise(words, lang, only_leading_articles=True)


@lru_cache(maxsize=200_000)
def numerals_of_word(word: str, lang: str) -> tuple[Numeral, ...]:
    """Return the parts of a number that one normalised word consists of; none if it is another word."""
    if _DIGITS.fullmatch(word):
        return (Numeral("digits", Decimal(word.replace(DECIMAL_MARK, "."))),)
    known = lexicon(lang).words
    if word in known:
        return (known[word],)
    if not known or len(word) > _LONGEST_WORD:
        return ()
    given = language(lang).numbers.words
    readings = (reading for start in _starts(word, given) for reading in _readings(word, start, given, lang))
    # A particle may look like a numeral: only one reading is a number.
    return next((reading for reading in islice(readings, _MOST_READINGS) if with_numerals((), False, reading, given)), ())


def _starts(word: str, given: NumberWords) -> Iterator[int]:
    """Yield the places at which the numeral of a word may begin: behind attached prepositions and articles."""
    yield 0
    prefix = given.prefix.match(word) if given.prefix else None
    yield from range(1, prefix.end() + 1 if prefix else 0)


def _readings(word: str, start: int, given: NumberWords, lang: str) -> Iterator[tuple[Numeral, ...]]:
    """Yield the ways to read a word from an index on as numerals, with a joiner or a prefix before them."""
    joining = given.joining.match(word, start) if given.joining and not given.compounds else None
    if joining:
        yield from ((JOINER, *numerals) for numerals in _segments(word, joining.end(), given, lang, set()))
    for prefix in given.ordinal_before:
        if word.startswith(prefix, start):
            for numerals in _segments(word, start + len(prefix), given, lang, set()):
                yield (*numerals[:-1], Numeral("ordinal", numerals[-1].value))
    yield from _segments(word, start, given, lang, set())


def _segments(word: str, start: int, given: NumberWords, lang: str, dead_ends: set[int]) -> Iterator[tuple[Numeral, ...]]:
    """Yield the numerals of which a word consists from an index on, with an ending behind the last one."""
    if start in dead_ends:
        return
    known, is_dead = lexicon(lang), True
    for text in known.initials.get(word[start : start + 1], ()):
        if not word.startswith(text, start):
            continue
        numeral, end = known.words[text], start + len(text)
        for numerals in _from(numeral, word, end, given, lang, dead_ends):
            is_dead = False
            yield numerals
    if is_dead:
        dead_ends.add(start)


def _from(
    numeral: Numeral, word: str, end: int, given: NumberWords, lang: str, dead_ends: set[int]
) -> Iterator[tuple[Numeral, ...]]:
    """Yield a numeral with those that follow it in a word."""
    tail = word[end:]
    if not tail:
        yield (numeral,)
        return
    if given.compounds:
        joining = given.joining.match(word, end) if given.joining else None
        for numerals in _segments(word, joining.end(), given, lang, dead_ends) if joining else ():
            yield _ones_and_tens(numeral, numerals) or (numeral, JOINER, *numerals)
        for numerals in _segments(word, end, given, lang, dead_ends):
            yield (numeral, *numerals)
    if given.ordinal_suffix and given.ordinal_suffix.fullmatch(tail):
        yield (Numeral("ordinal", numeral.value),)
    if given.suffix and given.suffix.fullmatch(tail):
        yield (numeral,)


def _ones_and_tens(ones: Numeral, numerals: tuple[Numeral, ...]) -> tuple[Numeral, ...] | None:
    """Return one numeral for ones and the tens behind them, such as fünfundzwanzig; None for other numerals."""
    tens = numerals[0]
    if not (1 <= ones.value <= 9 and 20 <= tens.value <= 90 and tens.value % 10 == 0):
        return None
    return (Numeral(tens.kind, ones.value + tens.value), *numerals[1:])


def with_numerals(
    parts: tuple[Part, ...], is_ordinal: bool, numerals: Sequence[Numeral], given: NumberWords, joined: bool = False
) -> Reading | None:
    """Return a number with the numerals of one more word; None if they do not belong to it.

    Args:
        parts: The parts so far.
        is_ordinal: One of them is an ordinal.
        numerals: The numerals of the word.
        given: The numerals of the language.
        joined: A word for "and" stands before them.
    """
    for numeral in numerals:
        if numeral.kind == "linker":
            continue
        # One hundred zero five: the zero only fills a place.
        if numeral.kind == "joiner" or (parts and numeral.value == 0):
            joined = True
            continue
        # The ordinal of one part may be enough: the first and twentieth, the eighth-ten, the second-ten-one.
        fits = (
            not is_ordinal or numeral.kind in ("ordinal", "plus_ten") or (joined and given.ones_first) or given.ordinal_before
        )
        longer = extended(parts, numeral, joined, given) if fits else None
        if longer is None:
            return None
        parts, joined, is_ordinal = longer, False, is_ordinal or numeral.kind == "ordinal"
    return Reading(parts, is_ordinal, joined)


def extended(parts: tuple[Part, ...], numeral: Numeral, joined: bool, given: NumberWords) -> tuple[Part, ...] | None:
    """Return the parts of a number with one more numeral, or None: the numeral does not belong to this number.

    Args:
        parts: The parts so far, none at the beginning.
        numeral: A cardinal, a multiplier, an ordinal, digits or a half.
        joined: A word for "and" stands before it.
        given: The numerals of the language.
    """
    value = numeral.value
    if numeral.kind == "half":
        return _with_half(parts) if parts else None
    if numeral.kind == "plus_ten":
        if parts and 1 <= parts[-1].value <= 9 and not joined:
            return (*parts[:-1], Part(parts[-1].value + value, _ONE))
        if not numeral.stands_alone:
            return None
    is_multiplier = numeral.kind == "multiplier" or (numeral.kind == "ordinal" and _is_multiplier(value, given))
    if not parts:
        return (Part(value, value if is_multiplier else _open_below(value, given), is_multiplier),)
    last = parts[-1]
    if is_multiplier:
        if given.multiplier_first and last.is_open_multiplier and not joined and value < last.value:
            return (*parts[:-1], Part(last.value * value, last.open_below, is_open_multiplier=True))
        return _multiplied(parts, value, joined)
    if numeral.kind == "digits":
        if given.multiplier_first and last.is_open_multiplier and not joined:
            return (*parts[:-1], Part(last.value * value, last.open_below))
        is_next = last.open_below >= 1000 and not joined and value < last.open_below and value == value.to_integral_value()
        return (*parts, Part(value, _ONE)) if is_next else None
    if given.multiplier_first and last.is_open_multiplier and not joined:
        times_ones = last.value if value % 10 == 0 and value < 100 else Decimal(0)
        return (*parts[:-1], Part(last.value * value, last.open_below, times_ones=times_ones))
    if joined and value < 10 and last.times_ones:
        return (*parts[:-1], Part(last.value + last.times_ones * value, last.open_below))
    if 0 < value < last.open_below:
        return (*parts, Part(value, _open_below(value, given)))
    if given.ones_first and joined and 20 <= value <= 90 and 1 <= last.value <= 9:
        return (*parts, Part(value, _ONE))
    if last.value in given.teens_after and 10 <= value <= 19:
        return (*parts, Part(value, _ONE))
    if given.pairs and len(parts) == 1 and 11 <= last.value <= 20 and 10 <= value <= 99 and not joined:
        return (Part(last.value * 100, Decimal(100)), Part(value, _open_below(value, given)))
    return None


def total(parts: tuple[Part, ...]) -> Decimal:
    """Return the value of a number."""
    return sum((part.value for part in parts), Decimal(0))


def _multiplied(parts: tuple[Part, ...], multiplier: Decimal, joined: bool) -> tuple[Part, ...] | None:
    first = len(parts)
    while first and parts[first - 1].value < multiplier and not joined:
        first -= 1
    factor = total(parts[first:]) or _ONE
    value, before = factor * multiplier, parts[:first]
    # 24 digits are enough for every number that has a name; more would be rounded.
    if value >= Decimal(10) ** 24 or (before and value >= before[-1].open_below):
        return None
    return (*before, Part(value, multiplier, first == len(parts)))


def _with_half(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    last = parts[-1]
    unit = last.open_below if last.open_below >= 100 else _ONE
    return (*parts, Part(unit / 2, Decimal(0)))


def _open_below(value: Decimal, given: NumberWords) -> Decimal:
    """Return what the next part must be smaller than: 100 after 300, 10 after 20, nothing fits after 7."""
    for unit in (10**9, 10**6, 1000, 100):
        if value >= unit and value % unit == 0:
            return Decimal(unit)
    if value % 10 == 0 and (value >= 20 or (value == 10 and given.open_ten)):
        return Decimal(10)
    return _ONE


@lru_cache(maxsize=10_000)
def _is_multiplier_value(value: Decimal, values: tuple[str, ...]) -> bool:
    return str(value) in values


def _is_multiplier(value: Decimal, given: NumberWords) -> bool:
    return _is_multiplier_value(value, tuple(given.multipliers))
