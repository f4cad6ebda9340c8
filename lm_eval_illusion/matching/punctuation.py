"""Signs that say something within a word or beside a number, told apart before all other signs go."""

from __future__ import annotations

import re
import unicodedata

RANGE = "–"
"""Between two numbers, as a word of its own: 24–10 is not 2410."""
MINUS = "−"
"""Before a number, part of it: -5 is not 5."""
PERCENT = "%"
"""After a number, as a word of its own: 18% is not 18 May."""

_DASHES = "\u2010-\u2015\u2212~\u301c-"
# Where there is a digit before it a dash is no minus sign, nor after a letter: 5 -10, covid-19.
_BEFORE_MINUS = r"\s(:=\[*\"'«„“‘"
_DASH = re.compile(
    rf"(?P<range>(?<=\d)\s*[{_DASHES}]\s*(?=\d))|(?P<minus>(?<![^{_BEFORE_MINUS}])[\u2013\u2212-](?=\d))|[{_DASHES}]"
)
# It stands before its number in Turkish (%20), and there too another number may stand before it.
_PERCENT = re.compile(r"(?P<after>(?<=\d)(?:[%٪]| [%٪](?!\d)))|[%٪] ?(?P<number>\d+(?:\u066b\d+)?)(?: ?[%٪])?|[%٪]")
# NFKC makes them digits like those before them: 10² would be 102 and 2½ 21.
_RAISED = re.compile(r"([²³¹⁰⁴-⁹¼-¾⅐-⅞])(?<=\d.)")
_MORE_APOSTROPHES = re.compile(r"[´`ʻʿʾ‘′](?<=\w.)(?=\w)")


class _Table(dict[int, "int | str | None"]):
    """For `str.translate`: what becomes of a character is found out when it first comes."""

    def __missing__(self, code: int) -> int | str | None:
        self[code] = self.translated(chr(code))
        return self[code]

    def translated(self, character: str) -> int | str | None:
        raise NotImplementedError


class _Plain(_Table):
    """Without format characters (joiners, direction marks), variation selectors and ™; one apostrophe."""

    def translated(self, character: str) -> int | str | None:
        selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
        if selector or character == "™" or unicodedata.category(character) == "Cf":
            return None
        return "'" if character in "’ʼ" else ord(character)


class _Words(_Table):
    """Letters, marks, digits and what stands for a sign beside a number; an apostrophe joins, all other signs separate."""

    def translated(self, character: str) -> int | str | None:
        if character == "'":
            return None
        kept = unicodedata.category(character)[0] in "LMN" or character in (RANGE, MINUS, PERCENT, "\u066b")
        return ord(character) if kept else " "


_PLAIN, _WORDS = _Plain(), _Words()


def plain_signs(text: str) -> str:
    """A text as written, before its letters are folded, without what can't be seen and with one sign for each use."""
    text = text.translate(_PLAIN)
    return _MORE_APOSTROPHES.sub("'", _RAISED.sub(r"^\1", text))


def number_signs(text: str) -> str:
    """Dashes between numbers, minus signs and percent signs in one form; without those that stand elsewhere."""
    return _PERCENT.sub(_percent, _DASH.sub(_dash, text))


def words_of(text: str) -> list[str]:
    """The words of a text without any other sign."""
    return text.translate(_WORDS).split()


def _dash(found: re.Match[str]) -> str:
    if found.lastgroup is None:
        return " "
    return f" {RANGE} " if found.lastgroup == "range" else f" {MINUS}"


def _percent(found: re.Match[str]) -> str:
    if found["number"]:
        return f" {found['number']} {PERCENT} "
    return f" {PERCENT} " if found["after"] else " "
