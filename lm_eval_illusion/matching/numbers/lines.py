"""Numbers of a line in a language that separates words by spaces: digits, numerals, Roman numerals, ordinals and ranges."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.languages.record import NumberWords
from lm_eval_illusion.matching.numbers.found import LONGEST_NUMBER, FoundNumber, Token, longest_number, word_set
from lm_eval_illusion.matching.numbers.ranges import with_ranges
from lm_eval_illusion.matching.numbers.words import ROMAN_WORD, lexicon, numerals_of_word
from lm_eval_illusion.matching.text.lines import Line
from lm_eval_illusion.matching.text.number_neighbours import is_other_number

_ROMAN = re.compile("(?=[IVXL])(?:XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50}
# A sign that may stand between two words of one number: twenty-one, שמונה־עשרה.
_INNER_SIGNS = re.compile(r"[\s\u00ad\u2010-\u2013\u05be'’ʼ-]*")
_MOST_WORDS = 5
"""Words before or behind digits that may make another number of them."""


@lru_cache(maxsize=2_000)
def numbers_in_words(line: Line) -> tuple[FoundNumber, ...]:
    """Return the numbers of a line in a language that separates words by spaces, from left to right."""
    words, lang = line.words, line.lang
    given = language(lang).numbers.words
    tokens = _tokens(words, lang)
    if not any(token.numerals for token in tokens) and not any(map(ROMAN_WORD.fullmatch, words)):
        return ()
    banned = words_without_numbers(line)
    tokens = [token._replace(numerals=()) if token.first in banned else token for token in tokens]

    def is_apart(token: Token, other: Token) -> bool:
        between = _between(line, token, other)
        # One thousand, two hundred.
        multiplier = other.numerals[0] if given.multiplier_first else token.numerals[-1]
        is_list = between.strip() == "," and multiplier.kind == "multiplier" and multiplier.value >= 100
        return _INNER_SIGNS.fullmatch(between) is None and not is_list

    found: list[FoundNumber] = []
    index = 0
    while index < len(tokens):
        token, number = tokens[index], None
        if token.numerals:
            number = longest_number(tokens[index : index + LONGEST_NUMBER], given, is_apart)
            if number and _is_whole(line, number):
                number = _as_negative(line, _as_ordinal(line, number, given), given)
                number = number._replace(is_clear=_is_clear(line, number, given))
            else:
                number = None
        elif not token.numerals and ROMAN_WORD.fullmatch(words[token.first]):
            number = _roman(line, token.first, given)
        index += 1
        if number:
            found.append(number)
            while index < len(tokens) and tokens[index].first < number.after:
                index += 1
    return with_ranges(words, found, lang, lambda one, other: _between(line, one, other))


def _between(line: Line, one: Token | FoundNumber, other: Token | FoundNumber) -> str:
    """Return the text between two numerals or numbers as written."""
    return line.text[line.span(one.first, one.after)[1] : line.span(other.first, other.after)[0]]


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


def _as_ordinal(line: Line, number: FoundNumber, given: NumberWords) -> FoundNumber:
    """Return the number as an ordinal, with the signs and words that make it one; unchanged if there are none."""
    first, after, words = number.first, number.after, line.words
    is_ordinal, kind = number.kind == "ordinal", number.kind
    if number.kind == "digits" and given.ordinal_sign is not None:
        start, end = line.span(first, after)
        # From the end: the place may be a long run of letters and digits with many numbers.
        last_digit = next((index for index in reversed(range(start, end)) if line.text[index].isdecimal()), end)
        sign = given.ordinal_sign.match(line.text, last_digit + 1)
        if sign:
            # The stop of an ordinal may also end the sentence.
            is_ordinal, kind = sign.group() != ".", "dotted" if sign.group() == "." else kind
            while after < len(words) and line.span(after, after + 1)[0] < sign.end():
                after += 1
    if first and words[first - 1] in word_set(given.ordinal_before, line.lang):
        is_ordinal, first = True, first - 1
    if after < len(words) and words[after] in word_set(given.ordinal_after, line.lang):
        is_ordinal, after = True, after + 1
    return FoundNumber(number.value, "ordinal" if is_ordinal else kind, first, after)


def _as_negative(line: Line, number: FoundNumber, given: NumberWords) -> FoundNumber:
    """Return the number with the word for minus before it; unchanged if there is none."""
    first = number.first
    if not (given.minus and first and line.words[first - 1] in word_set(given.minus, line.lang)):
        return number
    if isinstance(number.value, tuple) or number.value <= 0 or number.kind not in ("cardinal", "digits"):
        return number
    return number._replace(value=-number.value, first=first - 1)


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
    first = index - 1 if index and line.words[index - 1] in word_set(given.ordinal_before, line.lang) else index
    return FoundNumber(Decimal(value), "roman", first, after)


def _is_clear(line: Line, number: FoundNumber, given: NumberWords) -> bool:
    """Return whether a number is one: a numeral that may be another word needs a counter, stress, or the line for itself."""
    words, first, after = line.words, number.first, number.after
    if after - first > 1 or words[first] not in word_set(given.unclear, line.lang) or len(words) == 1:
        return True
    if first and words[first - 1] in word_set(given.stressed, line.lang):
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


def words_without_numbers(line: Line) -> set[int]:
    """Return the indices of the words that are no numerals because of the phrase in which they stand."""
    normal, given = line.normal, language(line.lang).numbers.words
    phrases = list(given.not_numerals.finditer(normal)) if given.not_numerals else []
    if not phrases:
        return set()
    ends = [index for index, character in enumerate(f"{normal} ") if character == " "]
    return {
        word for phrase in phrases for word in range(bisect_left(ends, phrase.start()), bisect_left(ends, phrase.end() - 1) + 1)
    }
