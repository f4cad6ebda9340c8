"""Which numbers of an answer say how many, which one or when by themselves, so that another one could stand in their place.

CO2, 4chan, F-16, 7-Eleven and 9/11 are names; in 1939-45 and "1.9 metres (6ft 3in)" one number does not change without the other.

The numbers of a text as they are written: found, and given other digits in the same script between the same marks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Digits of any script: with single marks or spaces before three more, as 1,00,000 is grouped in India, or without marks; one number.
_NUMBER = re.compile(
    r"\d{1,3}(?:[.,٬،\u00a0\u202f ’']\d{3}(?!\d))+(?:[.,٫]\d+)?"
    r"|\d{1,2}(?:[,٬]\d{2})+[,٬]\d{3}(?!\d)(?:[.٫]\d+)?"
    r"|\d+(?:[.,٫،]\d+)?"
)

WORD = r"[^\s\d.,;:!?()\[\]{}\"'’“”„«»،、，。：（）［］/\u2010-\u2015%-]+"
"""A word between spaces, digits and punctuation; vowel signs, which `\\w` leaves out, belong to it."""


@dataclass(frozen=True)
class Number:
    """A number of a text. `digits`: as ASCII, without marks; 55.1 has 551."""

    digits: str
    start: int
    end: int

    @property
    def is_plain(self) -> bool:
        """Whether it is written without marks."""
        return self.end - self.start == len(self.digits)


def numbers_of(text: str) -> list[Number]:
    """The numbers of a text from left to right."""
    return [Number(_ascii(match.group()), *match.span()) for match in _NUMBER.finditer(text)]


def digits_in(text: str) -> frozenset[str]:
    """The digits of every number in a text."""
    return frozenset(number.digits for number in numbers_of(text))


def with_digits(text: str, number: Number, digits: str) -> str:
    """The text with other digits, as many, in the place of a number's."""
    left = iter(digits)
    written = (_in_script_of(c, next(left)) if c.isdecimal() else c for c in text[number.start : number.end])
    return text[: number.start] + "".join(written) + text[number.end :]


def _ascii(number: str) -> str:
    return "".join(str(int(character)) for character in number if character.isdecimal())


def _in_script_of(old: str, digit: str) -> str:
    # Every script's digits stand in a row, from zero to nine.
    return chr(ord(old) - int(old) + int(digit))


MOST_DIGITS = 15
"""A longer number is a code, and nobody would tell it from another one."""

_FORMULA = re.compile(r"\d\s*[=^√÷×*+±]\s*\w|\w\s*[=^√÷×*+±]\s*\d")
_BRACKETS = re.compile(r"[(\[（［][^)\]）］]*[)\]）］]?")
# Numeric dates: only the year may be another one without more ado.
_DATE = re.compile(r"(?<!\d)(?:\d{1,2}[./-]\d{1,2}[./-](?P<last>\d{4})|(?P<first>\d{4})[./-]\d{1,2}[./-]\d{1,2})(?!\d)")
_SHORT_RANGE = re.compile(r"(?<!\d)\d{4}\s*[/\u2010-\u2015-]\s*\d{1,2}(?!\d)")
_ORDINALS = frozenset("st nd rd th".split())
_UNITS = frozenset("m km cm mm kg g mg lb ft in l ml s h min t ha V W kW MW GW Hz kHz MHz GHz Mbit kB MB GB TB".split())
_ERAS = frozenset("AD BC BCE CE".split())


def free_numbers(text: str, lang: str) -> list[Number]:
    """The numbers of an answer that can be changed alone, from left to right."""
    numbers = numbers_of(text)
    if _FORMULA.search(text) or _is_converted(text):
        return []
    bound = [match.span() for match in _SHORT_RANGE.finditer(text)]
    years: set[int] = set()
    for match in _DATE.finditer(text):
        years.add(match.start("last") if match["last"] else match.start("first"))
        bound.append(match.span())
    return [
        number
        for number in numbers
        if len(number.digits) <= MOST_DIGITS
        and (number.start in years or not (_is_joined(text, number) or _within(number, bound)))
        and not is_within_name(text, number, lang)
    ]


def _is_converted(text: str) -> bool:
    """Numbers in brackets and outside: 1.9 metres (6ft 3in)."""
    inside = "".join(_BRACKETS.findall(text))
    return bool(numbers_of(inside)) and bool(numbers_of(_BRACKETS.sub(" ", text)))


def _within(number: Number, spans: list[tuple[int, int]]) -> bool:
    return any(start <= number.start and number.end <= end for start, end in spans)


def _is_joined(text: str, number: Number) -> bool:
    """By a stroke or a further mark to another number: 9/11, 13.02.82."""
    before, after = text[: number.start], text[number.end :]
    return bool(re.search(r"\d\s?/\s?$|\d[.,]$", before) or re.match(r"\s?/\s?\d|[.,]\d", after))


def is_within_name(text: str, number: Number, lang: str) -> bool:
    """Whether the number is written as a part of a word that is no ordinal, no decade and no unit."""
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
    if not word or not _is_cased(word[0]) or word in _UNITS | _ERAS or (lang == "en" and word in _ORDINALS):
        return False
    return not (word.islower() and len(number.digits) > 1)


def _is_cased(character: str) -> bool:
    return character.isupper() or character.islower()
