"""Numbers of a line: digits, numerals in words, Roman numerals, ordinals and ranges, each with its place and its value."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.languages.record import NumberWords
from lm_eval_illusion.matching.lines import Clause, Line
from lm_eval_illusion.matching.normalize import normalise
from lm_eval_illusion.matching.number_words import (
    JOINER,
    Kind,
    Numeral,
    Reading,
    lexicon,
    numerals_of_word,
    total,
    with_numerals,
)
from lm_eval_illusion.matching.numbers import DECIMAL_MARK
from lm_eval_illusion.matching.punctuation import MINUS, RANGE
from lm_eval_illusion.matching.quantities import is_other_number

_ROMAN = re.compile("(?=[IVXL])(?:XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_ROMAN_WORD = re.compile("[ivxl]+[^\\W\\d_]{0,4}")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50}
# A sign that may stand between two words of one number: twenty-one, שמונה־עשרה.
_INNER_SIGNS = re.compile(r"[\s\u00ad\u2010-\u2013\u05be'’ʼ-]*")
_DIGITS = re.compile(r"\D{0,3}\d+")
_MOST_WORDS = 5
"""Words between the two numbers of a range, or before and behind them, that may make a range of them."""

_LONGEST_NUMBER = 24
"""Words of the longest number that is read."""

NumberKind = Literal["cardinal", "ordinal", "digits", "roman", "range"]


class FoundNumber(NamedTuple):
    """A number in a line.

    Attributes:
        value: Its value, or the first and the last number of a range.
        kind: How it is written. Digits and Roman numerals may mean a cardinal or an ordinal.
        first: Index of its first word in the normal form (of its first character, where no spaces separate words).
        after: Index after the last one.
    """

    value: Decimal | tuple[Decimal, Decimal]
    kind: NumberKind
    first: int
    after: int


class Token(NamedTuple):
    """A word of the normal form, or several, and their numerals; none for a word that is no numeral."""

    numerals: tuple[Numeral, ...]
    first: int
    after: int


@lru_cache(maxsize=2_000)
def numbers_in_words(line: Line) -> tuple[FoundNumber, ...]:
    """Return the numbers of a line in a language that separates words by spaces, from left to right."""
    words, lang = line.words, line.lang
    given = language(lang).numbers.words
    tokens = _tokens(words, lang)
    if not any(token.numerals for token in tokens) and not any(map(_ROMAN_WORD.fullmatch, words)):
        return ()
    banned = _banned_words(line.normal, given)
    tokens = [token._replace(numerals=()) if token.first in banned else token for token in tokens]

    def is_apart(token: Token, other: Token) -> bool:
        between = line.text[line.span(token.first, token.after)[1] : line.span(other.first, other.after)[0]]
        # One thousand, two hundred.
        is_list = between.strip() == "," and token.numerals[-1].kind == "multiplier" and token.numerals[-1].value >= 1000
        return _INNER_SIGNS.fullmatch(between) is None and not is_list

    found: list[FoundNumber] = []
    index = 0
    while index < len(tokens):
        token, number = tokens[index], None
        if token.numerals:
            number = _longest_number(tokens[index : index + _LONGEST_NUMBER], given, is_apart)
            if number and _is_whole(line, number):
                number = _as_ordinal(line, number, given)
                number = number if _is_clear(line, number, given) else None
            else:
                number = None
        elif not token.numerals and _ROMAN_WORD.fullmatch(words[token.first]):
            number = _roman(line, token.first, given)
        index += 1
        if number:
            found.append(number)
            while index < len(tokens) and tokens[index].first < number.after:
                index += 1
    return _with_ranges(words, found, lang)


def _tokens(words: Sequence[str], lang: str) -> list[Token]:
    phrases = lexicon(lang).phrases
    tokens: list[Token] = []
    index = 0
    while index < len(words):
        numerals, after = numerals_of_word(words[index], lang), index + 1
        for phrase, numeral in phrases.get(words[index], ()):
            if tuple(words[index : index + len(phrase)]) == phrase:
                numerals, after = (numeral,), index + len(phrase)
                break
        tokens.append(Token(numerals, index, after))
        index = after
    return tokens


def _longest_number(
    tokens: Sequence[Token], given: NumberWords, is_apart: Callable[[Token, Token], bool]
) -> FoundNumber | None:
    """Return the longest number that begins with the first token."""
    reading, used, after = Reading((), False, False), 0, 0
    first: Numeral | None = None
    kinds: set[Kind] = set()
    for index, token in enumerate(tokens):
        if not token.numerals or (index and is_apart(tokens[index - 1], token)):
            break
        longer = with_numerals(reading.parts, reading.is_ordinal, token.numerals, given, reading.is_joined)
        if longer is None:
            break
        if longer.parts != reading.parts:
            numerals = [numeral for numeral in token.numerals if numeral != JOINER]
            first, used, after = first or numerals[0], used + len(numerals), token.after
            kinds.update(numeral.kind for numeral in numerals)
        elif not used:
            return None
        reading = longer
    if first is None or (used == 1 and not first.stands_alone):
        # Thousands alone are no number.
        return None
    kind: NumberKind = "ordinal" if "ordinal" in kinds else "digits" if kinds == {"digits"} else "cardinal"
    return FoundNumber(total(reading.parts), kind, tokens[0].first, after)


def _as_ordinal(line: Line, number: FoundNumber, given: NumberWords) -> FoundNumber:
    """Return the number as an ordinal, with the signs and words that make it one; unchanged if there are none."""
    first, after, words = number.first, number.after, line.words
    is_ordinal = number.kind == "ordinal"
    if number.kind == "digits" and given.ordinal_sign is not None:
        start = line.span(first, after)[0]
        digits = _DIGITS.match(line.text, start)
        sign = given.ordinal_sign.match(line.text, digits.end()) if digits else None
        if sign:
            is_ordinal = True
            while after < len(words) and line.span(after, after + 1)[0] < sign.end():
                after += 1
    if first and words[first - 1] in _set(given.ordinal_before, line.lang):
        is_ordinal, first = True, first - 1
    if after < len(words) and words[after] in _set(given.ordinal_after, line.lang):
        is_ordinal, after = True, after + 1
    return FoundNumber(number.value, "ordinal" if is_ordinal else number.kind, first, after)


def _roman(line: Line, index: int, given: NumberWords) -> FoundNumber | None:
    """Return the Roman numeral at a word, if it is written in capitals; one of one letter only behind another word."""
    start, end = line.span(index, index + 1)
    roman = _ROMAN.match(line.text, start)
    if roman is None or not roman.group() or (len(roman.group()) == 1 and index == 0):
        return None
    after, stop = index + 1, roman.end()
    sign = given.ordinal_sign.match(line.text, stop) if given.ordinal_sign else None
    if sign:
        stop = sign.end()
        while after < len(line.words) and line.span(after, after + 1)[0] < stop:
            after += 1
    if stop < end:
        return None
    values = [_ROMAN_VALUES[letter] for letter in roman.group()]
    value = sum(-one if one < other else one for one, other in zip(values, [*values[1:], 0], strict=True))
    first = index - 1 if index and line.words[index - 1] in _set(given.ordinal_before, line.lang) else index
    return FoundNumber(Decimal(value), "roman", first, after)


def _is_clear(line: Line, number: FoundNumber, given: NumberWords) -> bool:
    """Return whether a number is one: a numeral that may be another word needs a counter, stress, or the line for itself."""
    words, first, after = line.words, number.first, number.after
    if after - first > 1 or words[first] not in _set(given.unclear, line.lang) or len(words) == 1:
        return True
    if first and words[first - 1] in _set(given.stressed, line.lang):
        return True
    return given.counters is not None and given.counters.match(" ".join(words[after : after + 3])) is not None


def _is_whole(line: Line, number: FoundNumber) -> bool:
    """Return whether digits stand for themselves: 1990 in 1990s does not."""
    if number.kind != "digits":
        return True
    before = line.words[max(0, number.first - _MOST_WORDS) : number.first]
    digits = " ".join(line.words[number.first : number.after])
    start = len(" ".join(["", *before, ""]))
    text = " ".join(["", *before, digits, *line.words[number.after : number.after + _MOST_WORDS], ""])
    return not is_other_number(text, start, start + len(digits), line.lang)


def _banned_words(normal: str, given: NumberWords) -> set[int]:
    """Return the indices of the words that are no numerals because of the phrase in which they stand."""
    banned: set[int] = set()
    for phrase in given.not_numerals.finditer(normal) if given.not_numerals else ():
        first = normal.count(" ", 0, phrase.start())
        banned.update(range(first, first + phrase.group().count(" ") + 1))
    return banned


def _with_ranges(words: Sequence[str], numbers: Sequence[FoundNumber], lang: str) -> tuple[FoundNumber, ...]:
    """Return the numbers, with one number for each two that are the ends of a range."""
    found = list(numbers)
    index = 0
    while index + 1 < len(found):
        one, other = found[index], found[index + 1]
        if words[one.after : other.first] == (RANGE,):
            # Three numbers with dashes are a date.
            is_date = RANGE in (*words[one.first - 1 : one.first], *words[other.after : other.after + 1])
            joined = None if is_date else _range(one, other)
        elif other.first - one.after <= _MOST_WORDS and _is_range(words, one, other, lang):
            joined = _range(one, other)
        else:
            joined = None
        if joined:
            found[index : index + 2] = [joined]
        index += 1
    return tuple(found)


def _is_range(words: Sequence[str], one: FoundNumber, other: FoundNumber, lang: str) -> bool:
    pattern = language(lang).numbers.words.ranges
    if pattern is None or isinstance(one.value, tuple) or isinstance(other.value, tuple) or one.value >= other.value:
        return False
    before, between = words[max(0, one.first - _MOST_WORDS) : one.first], words[one.after : other.first]
    behind = words[other.after : other.after + _MOST_WORDS]
    fillers = _fillers(lang)
    text = " ".join(word for word in ("", *before, "#", *between, "#", *behind, "") if word not in fillers)
    return pattern.search(f" {text} ") is not None


def _range(one: FoundNumber, other: FoundNumber) -> FoundNumber | None:
    if isinstance(one.value, tuple) or isinstance(other.value, tuple):
        return None
    first, last = one.value, other.value
    if last < 100 <= first < 10_000 and first % 100 < last:
        # 1914-18 ends in 1918.
        last += first - first % 100
    return FoundNumber((first, last), "range", one.first, other.after)


@cache
def _fillers(lang: str) -> frozenset[str]:
    """Return the words that may stand beside the numbers of a range: articles, and words for "year"."""
    given = language(lang)
    return _set((*given.words.articles, *given.dates.year_words), lang)


@cache
def _set(words: tuple[str, ...], lang: str) -> frozenset[str]:
    return frozenset(part for word in words for part in normalise(word, lang, only_leading_articles=True).split())


@lru_cache(maxsize=2_000)
def numbers_in_characters(clause: Clause) -> tuple[FoundNumber, ...]:
    """Return the numbers of a clause in a language that writes no spaces between words, from left to right."""
    text, lang = clause.normal, clause.lang
    given = language(lang).numbers.words
    tokens = [Token(numerals_of_word(word.group(), lang), *word.span()) for word in _numeral(lang).finditer(text)]
    banned = [phrase.span() for phrase in given.not_numerals.finditer(text)] if tokens and given.not_numerals else []
    tokens = [token for token in tokens if not any(start <= token.first < end for start, end in banned)]
    found: list[FoundNumber] = []
    index = 0
    while index < len(tokens):
        digits = _digit_by_digit(tokens[index : index + _LONGEST_NUMBER]) if given.positional else 0
        if digits > 1:
            number = _positional(tokens[index : index + digits])
            index += digits - 1
        else:
            number = _longest_number(
                tokens[index : index + _LONGEST_NUMBER], given, lambda one, other: one.after != other.first
            )
            number = number if number and _is_clear_in(text, number, given) else None
        if number and is_other_number(text, number.first, number.after, lang):
            number = None
        index += 1
        if number:
            is_ordinal = text[: number.first].endswith(given.ordinal_before) or text.startswith(
                given.ordinal_after, number.after
            )
            found.append(number._replace(kind="ordinal") if is_ordinal else number)
            while index < len(tokens) and tokens[index].first < number.after:
                index += 1
    return _with_character_ranges(text, found, given)


@cache
def _numeral(lang: str) -> re.Pattern[str]:
    words = sorted(lexicon(lang).words, key=len, reverse=True)
    return re.compile("|".join([rf"(?<![{MINUS}\d])\d+(?:{DECIMAL_MARK}\d+)?", *map(re.escape, words)]))


def _digit_by_digit(tokens: Sequence[Token]) -> int:
    """Return how many digits in words stand in a row at the beginning, without a multiplier behind them: 一九四五."""
    count = 0
    for index, token in enumerate(tokens):
        if index and tokens[index - 1].after != token.first:
            break
        numeral = token.numerals[0]
        if numeral.kind == "multiplier":
            return 0
        if numeral.kind != "cardinal" or numeral.value >= 10:
            break
        count += 1
    return count


def _positional(tokens: Sequence[Token]) -> FoundNumber | None:
    digits = [str(token.numerals[0].value) for token in tokens]
    if len(digits) == 2 and "0" not in digits:
        # 二三 is two or three.
        return None
    return FoundNumber(Decimal("".join(digits)), "cardinal", tokens[0].first, tokens[-1].after)


def _is_clear_in(text: str, number: FoundNumber, given: NumberWords) -> bool:
    first, after = number.first, number.after
    if text[first:after] not in given.unclear or after - first == len(text):
        return True
    if after == len(text) and text[:first].endswith(given.stressed):
        return True
    return given.counters is not None and given.counters.match(text, after) is not None


def _with_character_ranges(text: str, numbers: Sequence[FoundNumber], given: NumberWords) -> tuple[FoundNumber, ...]:
    found = list(numbers)
    index = 0
    while index + 1 < len(found):
        one, other = found[index], found[index + 1]
        between = text[one.after : other.first]
        is_date = RANGE in (text[one.first - 1 : one.first], text[other.after : other.after + 1])
        is_range = between == RANGE and not is_date
        if not is_range and len(between) <= _MOST_WORDS and given.ranges is not None and not isinstance(one.value, tuple):
            around = (
                f"{text[max(0, one.first - _MOST_WORDS) : one.first]}#{between}#{text[other.after : other.after + _MOST_WORDS]}"
            )
            is_range = given.ranges.search(around) is not None
        joined = _range(one, other) if is_range else None
        if joined:
            found[index : index + 2] = [joined]
        index += 1
    return tuple(found)
