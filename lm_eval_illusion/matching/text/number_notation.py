"""One form for every number, however a language writes it: 1,234.5 and 1.234,5 and 1 234,5 and ١٬٢٣٤٫٥ become 1234٫5."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.text.cldr import locale_of
from lm_eval_illusion.matching.text.punctuation import unify_number_signs

DECIMAL_MARK = "\u066b"
"""Arabic decimal separator. It is the decimal mark of the normal form in every language, because no other rule takes it for punctuation."""
GROUP_MARK = "\u066c"
"""Arabic thousands separator."""

_DIGIT = re.compile(r"\d")
_OTHER_DIGIT = re.compile(r"[^\D0-9]")
_MARKED = re.compile(r"(?:\d\W|\.)\d")
# Three groups or more are no decimal in any language.
_LONG_GROUPS = re.compile(r"(?<![\d.,])\d{1,3}([.,])\d{3}(?:\1\d{3})+(?![.,]?\d)")
# Spaces (NFKC unifies all kinds) are thousands marks in every language, but not after punctuation: "5, 100".
_SPACED_GROUPS = re.compile(rf"(?<![\d.,:/^{DECIMAL_MARK}])\d{{1,3}}(?: \d{{3}})+(?!\d)")
# .5 is 0.5, but not in an ellipsis.
_NO_ZERO = re.compile(r"(?<![^\s(])\.(?=\d+(?![.,]?\d))")
_DECIMAL = re.compile(r"(?<![\d.,])(\d+)[.,](\d+)(?![.,]?\d)")
_DAY_AND_MONTH = re.compile(r"(?<![\d.,])(0?[1-9]|[12]\d|3[01])\.(0?[1-9]|1[0-2])\.(?!\d)")
_INNER_APOSTROPHE = re.compile(r"(?<=\d)'(?=\d)")
_DIGIT_BEFORE_LETTER = re.compile(r"(\d)(?=[^\W\d_])(?!s\b)")
_LETTER_BEFORE_DIGIT = re.compile(r"([^\W\d_])(?=\d)")
_STRAY_MARK = re.compile(rf"(?<!\d){DECIMAL_MARK}|{DECIMAL_MARK}(?!\d)")


def fold_numbers(text: str, lang: str) -> str:
    """Return a text with ASCII digits, one decimal mark and no thousands marks, and with a space between a number and letters.

    The thousands mark is that of CLDR for the language; a mark that cannot group (3.14 in German) is a decimal mark.

    Raises:
        UserError: CLDR does not know the language.
    """
    grouped = _grouped_number(lang)
    if _DIGIT.search(text) is None:
        return unify_number_signs(text).replace(DECIMAL_MARK, " ")
    if not text.isascii():
        text = _OTHER_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit.group())), text)
    # Most numbers are digits alone.
    if _MARKED.search(text):
        text = _NO_ZERO.sub("0.", text)
        text = grouped.sub(_only_digits, _LONG_GROUPS.sub(_only_digits, text))
        if _ends_dates_with_stop(lang):
            text = _DAY_AND_MONTH.sub(r"\1 \2 ", text)
        text = _DECIMAL.sub(rf"\1{DECIMAL_MARK}\2", text)
        text = _SPACED_GROUPS.sub(_only_digits, text)
    text = unify_number_signs(text)
    if DECIMAL_MARK in text:
        text = _STRAY_MARK.sub(" ", text)
    return _separate_letters(text, lang)


def _only_digits(number: re.Match[str]) -> str:
    return re.sub(r"\D", "", number.group())


@cache
def _grouped_number(lang: str) -> re.Pattern[str]:
    """Return the pattern of a number with the thousands marks of the language."""
    mark: str = locale_of(lang).number_symbols["latn"]["group"]
    marks = f"[{GROUP_MARK}'{'' if mark.isspace() else re.escape(mark)}]"
    inner = rf"(?:{marks}\d{{2,3}})*" if language(lang).numbers.indian_grouping else rf"(?:{marks}\d{{3}})*"
    return re.compile(rf"(?<![\d.,{DECIMAL_MARK}])\d{{1,3}}{inner}{marks}\d{{3}}(?!\d)")


@cache
def _ends_dates_with_stop(lang: str) -> bool:
    """Return whether 12.3. is the twelfth of March, as in German, Finnish and Norwegian."""
    day_and_month = locale_of(lang).datetime_skeletons.get("Md")
    return day_and_month is not None and day_and_month.pattern == "d.M."


@cache
def _ordinal(lang: str) -> re.Pattern[str] | None:
    suffixes = language(lang).numbers.ordinal_suffixes.values()
    return re.compile(rf"(\d)(?:{'|'.join(map(re.escape, suffixes))})\b") if suffixes else None


def _separate_letters(text: str, lang: str) -> str:
    """Put a space between digits and letters (5km, B52), but not in 1990s, which is not 1990; an ordinal becomes its number."""
    # An apostrophe joins (1990's), but not two numbers: 5'6 is not 56.
    if "'" in text:
        text = _INNER_APOSTROPHE.sub(" ", text).replace("'", "")
    ordinal = _ordinal(lang)
    if ordinal is not None:
        text = ordinal.sub(r"\1", text)
    return _LETTER_BEFORE_DIGIT.sub(r"\1 ", _DIGIT_BEFORE_LETTER.sub(r"\1 ", text))
