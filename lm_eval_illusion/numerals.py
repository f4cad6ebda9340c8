"""Numbers in one form, however a language writes them: 1,234.5 and 1.234,5 and ١٬٢٣٤٫٥ become 1234٫5."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

DECIMAL_MARK = "\u066b"
"""Arabic decimal separator: what no other rule takes for punctuation stands for the decimal mark of every language."""
GROUP_MARK = "\u066c"
"""Arabic thousands separator."""

# Languages of South Asia group as in 1,23,45,678.
INDIAN_GROUPS = frozenset(("bn", "hi", "te", "ur"))


def fold_numbers(text: str, lang: str) -> str:
    """Decimal digits of any script as ASCII, thousands marks removed, one decimal mark; a number apart from the letters beside it.

    The marks are those of CLDR for the language; a mark that can't group (3.14 in German) is a decimal mark.
    """
    digits = "".join(_ascii_digit(character) for character in text)
    grouped, spaced = _grouped(lang)
    without_groups = re.sub(r"(?<![\d.,])\d{1,3}([.,])\d{3}(?:\1\d{3})+(?![.,]?\d)", _without_marks, digits)
    without_groups = grouped.sub(_without_marks, without_groups)
    decimal = re.sub(r"(?<![\d.,])(\d+)[.,](\d+)(?![.,]?\d)", rf"\1{DECIMAL_MARK}\2", without_groups)
    if spaced:
        decimal = re.sub(rf"(?<![\d{DECIMAL_MARK}])\d{{1,3}}(?: \d{{3}})+(?!\d)", _without_marks, decimal)
    return _apart(decimal)


def _ascii_digit(character: str) -> str:
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)


def _without_marks(number: re.Match[str]) -> str:
    return re.sub(r"\D", "", number.group())


@cache
def _grouped(lang: str) -> tuple[re.Pattern[str], bool]:
    """What a number with the language's thousands marks looks like, and whether spaces are such marks."""
    from babel import Locale

    mark: str = Locale.parse(lang).number_symbols["latn"]["group"]
    spaced = mark.isspace()
    marks = f"[{GROUP_MARK}'’{'' if spaced else re.escape(mark)}]"
    inner = rf"(?:{marks}\d{{2,3}})*" if lang in INDIAN_GROUPS else rf"(?:{marks}\d{{3}})*"
    return re.compile(rf"(?<![\d.,{DECIMAL_MARK}])\d{{1,3}}{inner}{marks}\d{{3}}(?!\d)"), spaced


def _apart(text: str) -> str:
    """5km -> 5 km and B52 -> B 52, but 1990s stays: it is not 1990."""
    text = re.sub(r"(\d)(?=[^\W\d_])(?!s\b)", r"\1 ", text)
    return re.sub(r"([^\W\d_])(?=\d)", r"\1 ", text)
