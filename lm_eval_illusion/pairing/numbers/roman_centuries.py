"""Centuries in Roman numerals: siglo XVI, XVIIIe siècle, XIX век."""

from __future__ import annotations

import re

from lm_eval_illusion.pairing.numbers.date_ranges import LAST_CENTURY, names_century
from lm_eval_illusion.pairing.numbers.spans import Number

_TENS, _ONES = ("", "X", "XX"), ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
# The first has endings of its own: Ier siècle.
_VALUES = {_TENS[value // 10] + _ONES[value % 10]: value for value in range(2, LAST_CENTURY + 1)}
_NUMERALS = {value: numeral for numeral, value in _VALUES.items()}
_NUMERAL = re.compile(r"(?<![^\W_])([IVX]+)(?=[a-zà-ÿ]{0,3}(?![^\W_]))")
_ALONE = re.compile(r"[IVX]+(?:\s?[\u2010-\u2015-]\s?[IVX]+)?")


def roman_centuries(text: str, lang: str) -> list[Number]:
    """Return the Roman numerals of centuries in a text, from left to right; none if it has other words and names no century.

    Whether a lone numeral is a century, its question says: `names_century`.
    """
    if not names_century(text, lang) and not _ALONE.fullmatch(text):
        return []
    found = [match for match in _NUMERAL.finditer(text) if match[1] in _VALUES]
    return [Number(str(_VALUES[match[1]]), *match.span(1), is_spelled=True) for match in found]


def is_roman(text: str, number: Number) -> bool:
    """Return whether a number is written as the Roman numeral of a century."""
    return text[number.start : number.end] in _VALUES


def with_roman_century(text: str, number: Number, value: int) -> str | None:
    """Return the text with the Roman numeral of another century; None if there is none."""
    numeral = _NUMERALS.get(value)
    return None if numeral is None else text[: number.start] + numeral + text[number.end :]
