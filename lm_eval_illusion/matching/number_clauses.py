"""Numbers of a clause in a language that writes no spaces between words: digits, numerals, ordinals and ranges."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cache, lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.languages.record import NumberWords
from lm_eval_illusion.matching.found_numbers import LONGEST_NUMBER, FoundNumber, Token, longest_number
from lm_eval_illusion.matching.lines import Clause
from lm_eval_illusion.matching.number_ranges import with_character_ranges
from lm_eval_illusion.matching.number_words import lexicon, numerals_of_word
from lm_eval_illusion.matching.numbers import DECIMAL_MARK
from lm_eval_illusion.matching.punctuation import MINUS
from lm_eval_illusion.matching.quantities import is_other_number


@lru_cache(maxsize=2_000)
def numbers_in_characters(clause: Clause) -> tuple[FoundNumber, ...]:
    """Return the numbers of a clause in a language that writes no spaces between words, from left to right."""
    text, lang = clause.normal, clause.lang
    given = language(lang).numbers.words
    tokens = [Token(numerals_of_word(word.group(), lang), *word.span()) for word in _numeral(lang).finditer(text)]
    banned = {index for place in places_without_numbers(text, lang) for index in range(*place)} if tokens else set()
    tokens = [token for token in tokens if token.numerals and token.first not in banned]
    found: list[FoundNumber] = []
    index = 0
    while index < len(tokens):
        digits = _digit_by_digit(tokens[index : index + LONGEST_NUMBER]) if given.positional else 0
        if digits > 1:
            number = _positional(tokens[index : index + digits])
            index += digits - 1
        else:
            number = longest_number(tokens[index : index + LONGEST_NUMBER], given, lambda one, other: one.after != other.first)
            number = number and number._replace(is_clear=_is_clear_in(text, number, given))
        if number and is_other_number(text, number.first, number.after, lang):
            number = None
        index += 1
        if number:
            is_ordinal = text.endswith(given.ordinal_before, 0, number.first) or text.startswith(
                given.ordinal_after, number.after
            )
            found.append(number._replace(kind="ordinal") if is_ordinal else number)
            while index < len(tokens) and tokens[index].first < number.after:
                index += 1

    def written(one: FoundNumber, other: FoundNumber) -> str:
        return clause.line[clause.span(one.first, one.after)[1] : clause.span(other.first, other.after)[0]]

    return with_character_ranges(text, found, lang, written)


def places_without_numbers(text: str, lang: str) -> list[tuple[int, int]]:
    """Return the places of the phrases whose characters are no numerals."""
    pattern = language(lang).numbers.words.not_numerals
    return [phrase.span() for phrase in pattern.finditer(text)] if pattern else []


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
    if after == len(text) and text.endswith(given.stressed, 0, first):
        return True
    return given.counters is not None and given.counters.match(text, after) is not None
