"""Numbers in one form, however a language writes them: 1,234.5 and 1.234,5 and 1 234,5 and ١٬٢٣٤٫٥ become 1234٫5."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from lm_eval_illusion.matching.cldr import locale_of
from lm_eval_illusion.matching.punctuation import number_signs

DECIMAL_MARK = "\u066b"
"""Arabic decimal separator: what no other rule takes for punctuation stands for the decimal mark of every language."""
GROUP_MARK = "\u066c"
"""Arabic thousands separator."""

# Languages of South Asia group as in 1,23,45,678.
INDIAN_GROUPS = frozenset(("bn", "hi", "te", "ur"))

# Three groups or more are no decimal in any language.
_LONG_GROUPS = re.compile(r"(?<![\d.,])\d{1,3}([.,])\d{3}(?:\1\d{3})+(?![.,]?\d)")
# Spaces (NFKC has made one of all kinds) are thousands marks in every language; never what punctuation leaves behind: "5, 100".
_SPACED_GROUPS = re.compile(rf"(?<![\d.,:/{DECIMAL_MARK}])\d{{1,3}}(?: \d{{3}})+(?!\d)")
# .5 is 0.5; not in a row of stops.
_NO_ZERO = re.compile(r"(?<![^\s(])\.(?=\d+(?![.,]?\d))")
_DECIMAL = re.compile(r"(?<![\d.,])(\d+)[.,](\d+)(?![.,]?\d)")
_DAY_AND_MONTH = re.compile(r"(?<![\d.,])(0?[1-9]|[12]\d|3[01])\.(0?[1-9]|1[0-2])\.(?!\d)")
_STRAY_MARK = re.compile(rf"(?<!\d){DECIMAL_MARK}|{DECIMAL_MARK}(?!\d)")


def fold_numbers(text: str, lang: str) -> str:
    """Decimal digits of any script as ASCII, thousands marks removed, one decimal mark; a number apart from the letters beside it.

    The marks are those of CLDR for the language; a mark that can't group (3.14 in German) is a decimal mark.
    """
    grouped = _grouped(lang)
    if re.search(r"\d", text) is None:
        return number_signs(text).replace(DECIMAL_MARK, " ")
    if not text.isascii():
        text = re.sub(r"\d", lambda digit: str(unicodedata.decimal(digit.group())), text)
    text = _NO_ZERO.sub("0.", text)
    text = grouped.sub(_without_marks, _LONG_GROUPS.sub(_without_marks, text))
    if _ends_dates_with_stop(lang):
        text = _DAY_AND_MONTH.sub(r"\1 \2 ", text)
    text = _DECIMAL.sub(rf"\1{DECIMAL_MARK}\2", text)
    text = _SPACED_GROUPS.sub(_without_marks, text)
    return _apart(_STRAY_MARK.sub(" ", number_signs(text)), lang)


def _without_marks(number: re.Match[str]) -> str:
    return re.sub(r"\D", "", number.group())


@cache
def _grouped(lang: str) -> re.Pattern[str]:
    """What a number with the language's thousands marks looks like."""
    mark: str = locale_of(lang).number_symbols["latn"]["group"]
    marks = f"[{GROUP_MARK}'{'' if mark.isspace() else re.escape(mark)}]"
    inner = rf"(?:{marks}\d{{2,3}})*" if lang in INDIAN_GROUPS else rf"(?:{marks}\d{{3}})*"
    return re.compile(rf"(?<![\d.,{DECIMAL_MARK}])\d{{1,3}}{inner}{marks}\d{{3}}(?!\d)")


@cache
def _ends_dates_with_stop(lang: str) -> bool:
    """Whether 12.3. is the twelfth of March, as in de, fi and no."""
    day_and_month = locale_of(lang).datetime_skeletons.get("Md")
    return day_and_month is not None and day_and_month.pattern == "d.M."


def _apart(text: str, lang: str) -> str:
    """5km -> 5 km and B52 -> B 52, but 1990s stays: it is not 1990. An English ordinal is its number."""
    # An apostrophe joins (1990's), but not two numbers: 5'6 is not 56.
    text = re.sub(r"(?<=\d)'(?=\d)", " ", text).replace("'", "")
    if lang == "en":
        text = re.sub(r"(\d)(?:st|nd|rd|th)\b", r"\1", text)
    text = re.sub(r"(\d)(?=[^\W\d_])(?!s\b)", r"\1 ", text)
    return re.sub(r"([^\W\d_])(?=\d)", r"\1 ", text)
