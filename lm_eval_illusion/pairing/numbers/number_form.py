"""Whether an answer is a number or a date, or a name or phrase that contains one.

"605 feet", "about 40" and "the 1990s" are numbers; "40 Drums", "Apollo 11" and "1983 World Series" are names. The words beside the
number decide: a capital that is neither a unit, a month nor a numeral marks a name where capitals mark names. In other languages the
question and the number of words decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.dates.answers import COMMON_YEARS, date_of
from lm_eval_illusion.matching.dates.decades import decade_of
from lm_eval_illusion.matching.dates.eras import parts_of
from lm_eval_illusion.matching.numbers.forms import number_pieces
from lm_eval_illusion.matching.numbers.found import FoundNumber
from lm_eval_illusion.matching.numbers.tokens import tokens_of, words_of
from lm_eval_illusion.matching.numbers.words import numerals_of_word
from lm_eval_illusion.matching.quantities.measured import quantity_of, unit_words
from lm_eval_illusion.matching.text.normalize import articles_of
from lm_eval_illusion.pairing.numbers.asked_number import AskedNumber, asked_number
from lm_eval_illusion.pairing.numbers.date_ranges import names_century
from lm_eval_illusion.pairing.numbers.roman_centuries import roman_centuries
from lm_eval_illusion.pairing.numbers.spans import BRACKETS, WORD, Number, is_within_name, numbers_of, unit_symbols

NumberForm = Literal["date", "number", ""]

_MIN_DIGIT_SHARE = 0.12
"""An answer in which at least this share of letters and digits are digits may have any number of words beside them."""
_MOST_WORDS = 3
"""Words beside each number of an answer whose question may ask for anything."""
_MOST_WORDS_ASKED = 6
"""Words beside each number of an answer whose question asks for a number or a time."""


class _Word(NamedTuple):
    """A word of an answer that is no number, no part of a date and no article: as written, and the index of its first character."""

    text: str
    start: int


def number_form(answer: str, question: str, lang: str) -> NumberForm:
    """Return "date" or "number" if the answer is one in this language, with or without words beside it; else "".

    Numbers may be in digits or in words. A year, a decade and a date are dates, and so is any number for which the question asks "when".
    """
    if "://" in answer or _is_without_number(answer, lang):
        return ""
    numbers = [number for number in numbers_of(answer) if not is_within_name(answer, number, lang)]
    if numbers:
        asked = asked_number(question, lang)
        if asked != "quantity" and (_is_year(answer) or _is_date(answer, lang)):
            return "date"
        return _form(asked) if _is_number_with_words(answer, numbers, asked, lang) else ""
    if any(map(str.isdecimal, answer)):
        return ""
    if roman_centuries(answer, lang):
        return "date" if _is_century(answer, lang) or names_century(question, lang) else ""
    asked = asked_number(question, lang)
    return _form(asked) if _is_spelled_number(answer, asked, lang) else ""


@lru_cache(maxsize=100_000)
def _is_without_number(answer: str, lang: str) -> bool:
    """Return whether an answer has no digit, no century and no number in words, whatever is asked. Many questions have the same answers."""
    if any(map(str.isdecimal, answer)):
        return False
    return not roman_centuries(answer, lang) and not _has_spelled_number(answer, lang)


def _form(asked: AskedNumber) -> NumberForm:
    return "date" if asked == "time" else "number"


def _is_year(answer: str) -> bool:
    """Return whether the answer is written as a year: 1388, but not 1,388."""
    digits = answer.strip()
    return len(digits) == 4 and digits.isdecimal() and int(digits) in COMMON_YEARS


def _is_date(answer: str, lang: str) -> bool:
    return date_of(answer, lang) is not None or decade_of(answer, lang) is not None or _is_century(answer, lang)


def _is_century(answer: str, lang: str) -> bool:
    """Return whether an answer with a number is a century with few words beside it; 20th Century Fox is none."""
    if not names_century(answer, lang):
        return False
    numerals = {number.start for number in roman_centuries(answer, lang)}
    words = [word for word in _other_words(answer, lang) if word.start not in numerals and not names_century(word.text, lang)]
    has_capital = language(lang).words.capitals_mark_names and any(word.start and word.text[0].isupper() for word in words)
    return len(words) <= _MOST_WORDS and not has_capital


def _is_number_with_words(answer: str, numbers: Sequence[Number], asked: AskedNumber, lang: str) -> bool:
    """Return whether the words beside its numbers let an answer be a number."""
    asks_number = asked in ("quantity", "time")
    # What stands in brackets explains the number: 74,000 (BP = before present). In "24 (TV series)" it explains the name.
    outside = BRACKETS.sub(" ", answer) if asks_number else answer
    words = _other_words(outside if numbers_of(outside) else answer, lang)
    if language(lang).words.capitals_mark_names:
        capitals = [word for word in words if word.text[:1].isupper() and not _is_unit(word.text, asks_number, lang)]
        if len(capitals) > 1 or (capitals and not _may_be_capital(capitals[0], words, numbers, asked, lang)):
            return False
    if asked == "other":
        return all(_is_unit(word.text, False, lang) for word in words)
    most = (_MOST_WORDS_ASKED if asks_number else _MOST_WORDS) * len(numbers)
    return len(words) <= most or _digit_share(answer, lang) >= _MIN_DIGIT_SHARE


def _may_be_capital(word: _Word, words: Sequence[_Word], numbers: Sequence[Number], asked: AskedNumber, lang: str) -> bool:
    """Return whether the only word with a capital may stand beside the numbers that the question asks for.

    It may be the first word before a year or a unit (Around 1930, Every 4 years) or a counted noun (24 Points). Apollo 11 is no time.
    """
    if asked == "time":
        others_are_units = all(_is_unit(other.text, True, lang) for other in words[1:])
        is_counted = len(words) > 1 or any(len(number.digits) > 2 for number in numbers)
        return word.start == 0 and word.text[1:].islower() and others_are_units and is_counted
    return asked == "quantity"


def _digit_share(answer: str, lang: str) -> float:
    """Return the share of digits among letters and digits; the digits of names (CO2, Astra 2A) count as letters."""
    digits = sum(len(number.digits) for number in numbers_of(answer) if not is_within_name(answer, number, lang))
    return digits / max(1, sum(map(str.isalnum, answer)))


def _other_words(answer: str, lang: str) -> list[_Word]:
    """Return the words of an answer that are no number in digits or words, no part of a date, and no article."""
    tokens, articles = tokens_of(answer, lang), articles_of(lang)
    spans = [tokens.span(part.first, part.after) for part in parts_of(tokens) if part.kind != "other"]
    found = [_Word(match.group(), match.start()) for match in re.finditer(WORD, answer)]
    return [
        word
        for word in found
        if word.text.casefold() not in articles
        and not any(start < word.start + len(word.text) and word.start < end for start, end in spans)
        and not _is_attached(answer, word.start)
        and not all(_is_numeral(part, lang) for part in words_of(word.text, lang))
    ]


def _is_attached(answer: str, start: int) -> bool:
    """Return whether a word in lower case or without case is written at the end of a number: 16th, 1990s, 5人."""
    return start > 0 and answer[start - 1].isdecimal() and not answer[start].isupper()


def _is_numeral(word: str, lang: str) -> bool:
    return bool(numerals_of_word(word, lang))


def _is_unit(word: str, any_case: bool, lang: str) -> bool:
    """Return whether a word is a unit, a currency or a percentage. `any_case`: Miles is miles; else only symbols may have capitals."""
    if word in unit_symbols():
        return True
    if not any_case and word[:1].isupper() and word[1:].islower():
        return False
    parts, known = words_of(word, lang), _parts_of_units(lang)
    # Where no spaces separate words, the parts are characters, most of which are also in other words.
    return all((part,) in known for part in parts) if language(lang).words.spaces else parts in known


@cache
def _parts_of_units(lang: str) -> frozenset[tuple[str, ...]]:
    """Return the words before or behind the number of each unit, and the single ones among them."""
    sides = {side for both in unit_words(lang).units for side in both}
    return frozenset(sides | {(word,) for side in sides for word in side} if language(lang).words.spaces else sides)


def _has_spelled_number(answer: str, lang: str) -> bool:
    return any(True for _ in _spelled_numbers(answer, lang))


def _spelled_numbers(answer: str, lang: str) -> Iterator[FoundNumber]:
    for piece in number_pieces(answer, lang):
        if isinstance(piece, FoundNumber) and piece.kind in ("cardinal", "range") and piece.is_clear:
            yield piece


def _is_spelled_number(answer: str, asked: AskedNumber, lang: str) -> bool:
    """Return whether an answer with a number in words is a number: alone, with a unit, or if the question asks for one."""
    asks_number = asked in ("quantity", "time")
    if not asks_number and language(lang).words.capitals_mark_names and any(map(str.isupper, answer)):
        return False
    if quantity_of(answer, lang) is not None:
        return asked != "other"
    words = _other_words(answer, lang)
    return len(words) <= _MOST_WORDS if asks_number else asked != "other" and not words
