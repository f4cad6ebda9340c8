"""Numerals of a language: which words are parts of a number, by the language's [numbers.words]."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache, lru_cache
from itertools import islice
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.languages.record import NumberWords
from lm_eval_illusion.matching.numbers.grammar import HALF, JOINER, LINKER, POINT, Kind, Numeral, with_numerals
from lm_eval_illusion.matching.text.normalize import normalise
from lm_eval_illusion.matching.text.number_notation import DECIMAL_MARK
from lm_eval_illusion.matching.text.punctuation import MINUS

_DIGIT = re.compile(r"\d")
_DIGITS = re.compile(rf"{MINUS}?\d{{1,24}}(?:{DECIMAL_MARK}\d{{1,24}})?")
ROMAN_WORD = re.compile("[ivxlı]+[^\\W\\d_]{0,4}")
"""A normalised word that may be a Roman numeral with an ordinal ending; only the text as written shows whether it is."""
_LONGEST_WORD = 100
"""Letters of the longest word that is taken for a numeral."""
_MOST_READINGS = 20
"""Readings of one word that are tried."""


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
    found.update((_normal(word, lang), HALF) for word in given.halves)
    found.update((_normal(word, lang), LINKER) for word in given.linkers)
    found.update((_normal(word, lang), POINT) for word in given.decimal_words)
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


@lru_cache(maxsize=20_000)
def numerals_of_word(word: str, lang: str) -> tuple[Numeral, ...]:
    """Return the parts of a number that one normalised word consists of; none if it is another word."""
    if _DIGITS.fullmatch(word):
        if word[0] == "0" and word[1:].isdecimal():
            # 007 is a code.
            return ()
        return (Numeral("digits", Decimal(word.replace(DECIMAL_MARK, ".").replace(MINUS, "-"))),)
    known = lexicon(lang).words
    if word in known:
        return (known[word],)
    if not known or len(word) > _LONGEST_WORD:
        return ()
    given = language(lang).numbers.words
    readings = (reading for start in _starts(word, given) for reading in _readings(word, start, given, lang))
    # A particle may look like a numeral: only one reading is a number.
    numbers = (reading for reading in islice(readings, _MOST_READINGS) if with_numerals((), False, reading, given))
    return next((reading for reading in numbers if reading[-1].kind != "joiner"), ())


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


@lru_cache(maxsize=50_000)
def attached_counter(word: str, lang: str) -> str:
    """Return the counter that is written at the end of a numeral (십구세기), without a particle behind it; "" if there is none."""
    given = language(lang).numbers.words
    if given.counters is None or not given.compounds or _DIGITS.fullmatch(word):
        return ""
    for start in range(1, len(word)):
        counter = given.counters.match(word, start)
        if counter and counter.group() and numerals_of_word(word[:start], lang):
            return counter.group()
    return ""


def may_have_numbers(normal: str, lang: str) -> bool:
    """Return whether a text in its normal form contains digits, or letters that are a numeral of the language or a Roman numeral."""
    if _DIGIT.search(normal):
        return True
    known = lexicon(lang)
    if language(lang).words.spaces:
        return any(
            word in known.phrases or numerals_of_word(word, lang) or ROMAN_WORD.fullmatch(word) for word in normal.split()
        )
    return not known.initials.keys().isdisjoint(normal)
