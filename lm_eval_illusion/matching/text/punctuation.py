"""Punctuation: signs that change the meaning of a word or a number are unified, all other signs become spaces."""

from __future__ import annotations

import re
import unicodedata

RANGE = "–"
"""Between two numbers, a word of its own: 24–10 is not 2410."""
MINUS = "−"
"""Before a number, part of it: -5 is not 5."""
PERCENT = "%"
"""After a number, a word of its own: 18% is not 18 May."""

PLUS = "\u2795"
"""Behind a letter, part of the word: C++ is not C. A sign of its own, because no other rule knows it."""
SHARP, FLAT = "♯", "♭"
"""Behind a letter, part of the word: F# is not F."""
WORD_SIGNS = frozenset((PLUS, SHARP, FLAT))

_DASHES = "\u2010-\u2015\u2212~\u301c-"
# After a digit or a letter a dash is no minus sign: 5 -10, covid-19.
_BEFORE_MINUS = r"\s(:=\[*\"'«„“‘"
_DASH = re.compile(
    rf"(?P<range>(?<=\d)\s*[{_DASHES}]\s*(?=\d))|(?P<minus>(?<![^{_BEFORE_MINUS}])[\u2013\u2212-](?=\d))|[{_DASHES}]"
)
# Turkish writes the sign before the number (%20), and another number may stand before the sign there.
_PERCENT = re.compile(r"(?P<after>(?<=\d)(?:[%٪]| [%٪](?!\d)))|[%٪] ?(?P<number>\d+(?:\u066b\d+)?)(?: ?[%٪])?|[%٪]")
# NFKC turns them into digits like those before them: 10² would be 102, 2½ would be 21, and "km² 100" a number 2 100.
# Beside digits, the sign of a currency is a word of its own: $10 is not 10 €.
_CURRENCIES = "$¢-¥֏؋৲৳฿៛₠-⃀﷼"
_CURRENCY = re.compile(f"[{_CURRENCIES}]")
_NUMBER_SIGN = re.compile(f"[%٪{_CURRENCIES}{_DASHES}]")
_SUPERSCRIPT = re.compile(r"([²³¹⁰⁴-⁹¼-¾⅐-⅞])(?<=\w.)")
_WORD_SIGNS = re.compile(f"[+#{PLUS}{SHARP}{FLAT}]+")
_WORD_SIGN_VARIANTS = str.maketrans({"+": PLUS, "#": SHARP})
_DIGIT = re.compile(r"\d")
_APOSTROPHE_VARIANT = re.compile(r"[´`ʻʿʾ‘′](?<=\w.)(?=\w)")


class _CharacterTable(dict[int, "int | str | None"]):
    """A table for `str.translate` that computes and keeps the entry of a character when it first occurs."""

    def __missing__(self, code: int) -> int | str | None:
        self[code] = self.translate_character(chr(code))
        return self[code]

    def translate_character(self, character: str) -> int | str | None:
        raise NotImplementedError


class _VisibleCharacters(_CharacterTable):
    """Remove format characters (joiners, direction marks), variation selectors and ™; unify the apostrophe."""

    def translate_character(self, character: str) -> int | str | None:
        is_selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
        if is_selector or character == "™" or unicodedata.category(character) == "Cf":
            return None
        return "'" if character in "’ʼ" else ord(character)


class _WordCharacters(_CharacterTable):
    """Keep letters, marks, digits and the signs of numbers and currencies; remove apostrophes; turn every other sign into a space."""

    def translate_character(self, character: str) -> int | str | None:
        if character == "'":
            return None
        is_sign = character in (RANGE, MINUS, PERCENT, "\u066b", *WORD_SIGNS) or _CURRENCY.match(character) is not None
        return ord(character) if is_sign or unicodedata.category(character)[0] in "LMN" else " "


_VISIBLE_CHARACTERS, _WORD_CHARACTERS = _VisibleCharacters(), _WordCharacters()


def unify_signs(text: str) -> str:
    """Remove invisible characters from a text and replace variants of a sign by one sign. Call it before letters are folded."""
    if text.isascii():
        return _APOSTROPHE_VARIANT.sub("'", text) if "`" in text else text
    text = text.translate(_VISIBLE_CHARACTERS)
    return _APOSTROPHE_VARIANT.sub("'", _SUPERSCRIPT.sub(r"^\1", text))


def unify_number_signs(text: str) -> str:
    """Unify dashes between numbers, minus signs and percent signs; replace such signs elsewhere by a space.

    A text without a digit loses its signs of currencies, too.
    """
    if _NUMBER_SIGN.search(text) is None:
        return text
    text = _PERCENT.sub(_percent, _DASH.sub(_dash, text))
    return _CURRENCY.sub(r" \g<0> " if _DIGIT.search(text) else " ", text)


def split_words(text: str) -> list[str]:
    """Return the words of a text without any other sign but those that belong to a word: C++."""
    words = text.split()
    if "".join(words).isalnum():
        return words
    return _WORD_SIGNS.sub(_word_sign, text).translate(_WORD_CHARACTERS).split()


def _word_sign(match: re.Match[str]) -> str:
    """Return the signs as a part of the word before them, or a space if there is none or if the word goes on: a+b."""
    before, after = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    return match.group().translate(_WORD_SIGN_VARIANTS) if before.isalpha() and not after.isalpha() else " "


def _dash(match: re.Match[str]) -> str:
    if match.lastgroup is None:
        return " "
    return f" {RANGE} " if match.lastgroup == "range" else f" {MINUS}"


def _percent(match: re.Match[str]) -> str:
    if match["number"]:
        return f" {match['number']} {PERCENT} "
    return f" {PERCENT} " if match["after"] else " "
