"""Agreement of a number with the text beside it: the plural of a word, the suffix of an ordinal, a case suffix."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache, lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.pairing.numbers.number_words import with_number_word
from lm_eval_illusion.pairing.numbers.roman_centuries import is_roman, with_roman_century
from lm_eval_illusion.pairing.numbers.spans import WORD, Number, ValueTest, with_digits
from lm_eval_illusion.pairing.numbers.vowel_harmony import same_suffix_form

_SUFFIX = re.compile(r"['’.:-]?[^\W\d_]+")
_WORDS = re.compile(rf"{WORD}\.?")


def rewritten(text: str, number: Number, value: int, lang: str) -> str:
    """Return the text with another value of the number in as many digits, and with the ordinal suffix of that value.

    A number in words stays as it is if it has no word for the value: `number_words.reads_well` forbids such a value.
    """
    if number.is_spelled and is_roman(text, number):
        return with_roman_century(text, number, value) or text
    if number.is_spelled:
        return with_number_word(text, number, value, lang) or text
    changed = with_digits(text, number, str(value).zfill(len(number.digits)))
    written = _ordinal_suffix(lang)
    suffix = written.match(changed, number.end) if written is not None else None
    return changed if suffix is None else changed[: number.end] + _suffix_of(value, lang) + changed[suffix.end() :]


@cache
def _ordinal_suffix(lang: str) -> re.Pattern[str] | None:
    suffixes = language(lang).numbers.ordinal_suffixes
    return re.compile(rf"(?:{'|'.join(map(re.escape, suffixes.values()))})\b") if suffixes else None


def _suffix_of(value: int, lang: str) -> str:
    from babel import Locale

    suffixes = language(lang).numbers.ordinal_suffixes
    return suffixes.get(Locale.parse(lang).ordinal_form(value), suffixes["other"])


def is_decade(text: str, number: Number, lang: str) -> bool:
    """Return whether letters attached to a round year make it a decade or a century: 1980s, 1970an, 1920-х, 1980年代, 1980'ler."""
    suffix = _SUFFIX.match(text[number.end :])
    if suffix is None:
        return False
    rules = language(lang)
    if rules.numbers.decade_suffix is not None and rules.numbers.decade_suffix.match(suffix.group()) is None:
        return False
    return rules.dates.year_suffix is None or rules.dates.year_suffix.match(suffix.group()) is None


def suffix_fits(text: str, number: Number, lang: str) -> ValueTest | None:
    """Return a function that tests whether a value takes the same suffix as the number; None if every value does."""
    from babel import Locale

    rules, after = language(lang).numbers, text[number.end :]
    if not _SUFFIX.match(after) or rules.ordinal_suffixes:
        return None
    if rules.spoken_suffix is not None and rules.spoken_suffix.match(after):
        return lambda value: False
    if rules.vowel_harmony is not None:
        spoken, suffix = rules.vowel_harmony, re.sub(r"[\W\d_]", "", after.lower())
        return lambda value: same_suffix_form(value, int(number.digits), suffix, spoken)
    form = Locale.parse(lang).ordinal_form
    true_form = form(int(number.digits))
    return lambda value: bool(form(value) == true_form)


def plural_fits(text: str, number: Number, lang: str) -> ValueTest | None:
    """Return a function that tests whether a value takes the same plural form of the word beside it: 1 mile, 2 miles; 21 год, 22 года.

    None if no word stands beside it.
    """
    if not _counts_a_word(text, number):
        return None
    true_form = _plural_form(lang, int(number.digits))
    return lambda value: _plural_form(lang, value) == true_form


@lru_cache(maxsize=100_000)
def _plural_form(lang: str, value: int) -> str:
    from babel import Locale

    return str(Locale.parse(lang).plural_form(Decimal(value)))


def _counts_a_word(text: str, number: Number) -> bool:
    """Return whether a whole word stands after the number or, if nothing does, before it; an abbreviation (км, yrs.) has one form."""
    words = _WORDS.findall(text[number.end :]) or _WORDS.findall(text[: number.start])[-1:]
    is_attached = _SUFFIX.match(text[number.end :])
    return bool(words) and not is_attached and len(words[0]) > 2 and not words[0].endswith(".")
