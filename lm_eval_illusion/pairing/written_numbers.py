"""The numbers of a text as they are written: found, and given other digits in the same script between the same marks."""

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
