"""The numbers of a text: where they stand, which of them can be changed alone, and how to write other digits in their place.

CO2, 4chan, F-16, 7-Eleven and 9/11 are names, and in 1939-45 and "1.9 metres (6ft 3in)" two numbers depend on each other: none of
these can be changed alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from lm_eval_illusion.languages import language

# Digits of any script. One number: with single marks or spaces before groups of three, as 1,00,000 is grouped in India, or without marks.
_NUMBER = re.compile(
    r"\d{1,3}(?:[.,٬،\u00a0\u202f ’']\d{3}(?!\d))+(?:[.,٫]\d+)?"
    r"|\d{1,2}(?:[,٬]\d{2})+[,٬]\d{3}(?!\d)(?:[.٫]\d+)?"
    r"|\d+(?:[.,٫،]\d+)?"
)

# A mark before one, two or more than three digits is a decimal mark; before three digits it separates thousands. ٫ always is one.
_DECIMALS = re.compile(r"(?:[.,،](?:\d{1,2}|\d{4,})|٫\d+)$")

WORD = r"[^\s\d.,;:!?()\[\]{}\"'’“”„«»،、，。：（）［］/\u2010-\u2015%-]+"
"""Pattern of a word between spaces, digits and punctuation. Vowel signs, which `\\w` does not match, belong to the word."""

ValueTest = Callable[[int], bool]
"""A rule that decides whether another value of a number is possible."""


@dataclass(frozen=True)
class Number:
    """A number of a text.

    Attributes:
        digits: Its digits as ASCII, without marks; 55.1 has 551.
        start: Index of its first character.
        end: Index after its last character.
        is_spelled: It is written in words; then `digits` are those of its value.
    """

    digits: str
    start: int
    end: int
    is_spelled: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it is written in digits without marks."""
        return not self.is_spelled and self.end - self.start == len(self.digits)


def numbers_of(text: str) -> list[Number]:
    """Return the numbers of a text from left to right."""
    return [Number(_ascii_digits(match.group()), *match.span()) for match in _NUMBER.finditer(text)]


def digits_in(text: str) -> frozenset[str]:
    """Return the digits of every number in a text."""
    return frozenset(number.digits for number in numbers_of(text))


def integer_digits(text: str, number: Number) -> str:
    """Return the digits of a number before its decimal mark: 55 of 55.1, 1388 of 1,388."""
    written = text[number.start : number.end]
    mark = _DECIMALS.search(written)
    return _ascii_digits(written if mark is None else written[: mark.start()])


def with_digits(text: str, number: Number, digits: str) -> str:
    """Return the text with other digits of a number, in the same script and between the same marks. `digits`: as many as before."""
    if number.is_plain and text[number.start : number.end].isascii():
        return text[: number.start] + digits + text[number.end :]
    new_digits = iter(digits)
    written = (_same_script(c, next(new_digits)) if c.isdecimal() else c for c in text[number.start : number.end])
    return text[: number.start] + "".join(written) + text[number.end :]


def _ascii_digits(number: str) -> str:
    return "".join(str(int(character)) for character in number if character.isdecimal())


def _same_script(old: str, digit: str) -> str:
    # In every script the digits zero to nine have consecutive code points.
    return chr(ord(old) - int(old) + int(digit))


MOST_DIGITS = 15
"""A longer number is a code: readers would not see a difference to another one."""

# A sum without a result is as plausible with another number: n2 + 1. So is "60+ years".
_FORMULA = re.compile(r"\d\s*[=^√÷×*±]\s*\w|\w\s*[=^√÷×*±]\s*\d")
BRACKETS = re.compile(r"[(\[（［][^)\]）］]*[)\]）］]?")
# In a numeric date only the year can be changed alone.
_DATE = re.compile(r"(?<!\d)(?:\d{1,2}[./-]\d{1,2}[./-](?P<last>\d{4})|(?P<first>\d{4})[./-]\d{1,2}[./-]\d{1,2})(?!\d)")
_DAY_AND_MONTH = re.compile(r"(?<![\d.])(?:0?[1-9]|[12]\d|3[01])\.(?:0?[1-9]|1[0-2])\.(?!\d)")
_SHORT_RANGE = re.compile(r"(?<!\d)\d{4}\s*[/\u2010-\u2015-]\s*\d{1,2}(?!\d)")
# Units and eras in Latin letters, as texts in every language write them.
_UNITS = frozenset("m km cm mm kg g mg lb ft in l ml s h min t ha V W kW MW GW Hz kHz MHz GHz Mbit kB MB GB TB".split())
_ERAS = frozenset("AD BC BCE CE BP".split())


def unit_symbols() -> frozenset[str]:
    """Return the symbols of units and eras in Latin letters, which texts in every language write in just this case."""
    return _UNITS | _ERAS


def free_numbers(text: str, lang: str) -> list[Number]:
    """Return the numbers of an answer that can be changed alone, from left to right."""
    numbers = numbers_of(text)
    if _FORMULA.search(text) or _is_converted(text):
        return []
    fixed_spans = [match.span() for pattern in (_SHORT_RANGE, _DAY_AND_MONTH) for match in pattern.finditer(text)]
    year_starts: set[int] = set()
    for match in _DATE.finditer(text):
        year_starts.add(match.start("last") if match["last"] else match.start("first"))
        fixed_spans.append(match.span())
    return [
        number
        for number in numbers
        if len(number.digits) <= MOST_DIGITS
        and (number.start in year_starts or not (_is_joined(text, number) or _is_within(number, fixed_spans)))
        and not is_within_name(text, number, lang)
    ]


def is_within_name(text: str, number: Number, lang: str) -> bool:
    """Return whether the number is part of a word (CO2, F-16) that is no ordinal, no decade and no unit."""
    before, after = text[: number.start], text[number.end :]
    # Scripts without capitals write letters beside numbers without a space: 5人, و20.
    if before and _is_cased(before[-1]):
        return True
    if re.search(r"[^\W\d_][-\u2010\u2011]$", before) and before[-2].isupper():
        return True
    if re.match(r"[-\u2010\u2011][^\W\d_]", after) and after[1].isupper():
        return True
    match = re.match(r"[^\W\d_]+", after)
    word = match.group() if match else ""
    if not word or not _is_cased(word[0]) or word in _UNITS | _ERAS:
        return False
    # The key of a table, no number with a suffix: 124x8g.
    if after[len(word) : len(word) + 1].isdecimal():
        return True
    if word in language(lang).numbers.ordinal_suffixes.values():
        return False
    return not (word.islower() and len(number.digits) > 1)


def _is_converted(text: str) -> bool:
    """Return whether numbers stand in brackets and outside: 1.9 metres (6ft 3in)."""
    inside = "".join(BRACKETS.findall(text))
    return bool(numbers_of(inside)) and bool(numbers_of(BRACKETS.sub(" ", text)))


def _is_within(number: Number, spans: list[tuple[int, int]]) -> bool:
    return any(start <= number.start and number.end <= end for start, end in spans)


def _is_joined(text: str, number: Number) -> bool:
    """Return whether a stroke or another mark joins the number to another number: 9/11, 13.02.82."""
    before, after = text[: number.start], text[number.end :]
    return bool(re.search(r"\d\s?/\s?$|\d[.,]$", before) or re.match(r"\s?/\s?\d|[.,]\d", after))


def _is_cased(character: str) -> bool:
    return character.isupper() or character.islower()
