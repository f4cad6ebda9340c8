"""What is written beside a number and must fit another one: the plural, the ending of an ordinal, a case ending.

Endings after a Turkish number take their sounds from its last spoken word: 20'ye, 70'e, 1997'de, 1963'te.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from lm_eval_illusion.pairing.numbers.spans import WORD, Number, with_digits

_DIGITS = ("", "bir", "iki", "üç", "dört", "beş", "altı", "yedi", "sekiz", "dokuz")
_TENS = ("", "on", "yirmi", "otuz", "kırk", "elli", "altmış", "yetmiş", "seksen", "doksan")
# Each vowel as the narrow and as the wide vowel that follows it.
_NARROW = dict(zip("aıeioöuü", "ııiiuüuü", strict=True))
_WIDE = dict(zip("aıeioöuü", "aaeeaeae", strict=True))


def same_ending(one: int, other: int, ending: str) -> bool:
    """Whether two numbers take the same ending, the one written after one of them."""
    return _deciding(_last_word(one), ending) == _deciding(_last_word(other), ending)


def _deciding(word: str, ending: str) -> tuple[object, ...]:
    """What of a word decides on the form of an ending: -de or -te, -ye or -e, -ler or -lar."""
    is_wide = next((letter for letter in ending if letter in _WIDE), "") in "ae"
    vowel = next(letter for letter in reversed(word) if letter in _WIDE)
    if ending[0] in "lk":
        joint: object = None
    else:
        joint = word[-1] in "fstkçşhp" if ending[0] in "dtcç" else word[-1] in _WIDE
    return (_WIDE if is_wide else _NARROW)[vowel], joint


def _last_word(value: int) -> str:
    if value == 0:
        return "sıfır"
    if value % 10:
        return _DIGITS[value % 10]
    if value % 100:
        return _TENS[value % 100 // 10]
    if value % 1000:
        return "yüz"
    return "bin" if value % 10**6 else "milyon"


Fits = Callable[[int], bool]

_ATTACHED = re.compile(r"['’.:-]?[^\W\d_]+")
_WORDS = re.compile(rf"{WORD}\.?")
_ENGLISH_ORDINAL = re.compile(r"(?:st|nd|rd|th)\b")
# A year with the word for it is none of a decade.
_YEAR_WORD = re.compile("年(?!代)|년(?!대)|م|سنة")
# Endings that follow the spoken number, which is not written: no other number is sure to take the same.
_ENDINGS_OF_SOME = {
    "fi": r":[^\W\d_]",
    "hu": r"-[^\W\d_]",
    "ru": "-(?:ти|ми|ух|ух|ех|ёх|мя|и)\\b",
    "uk": "-(?:ти|ми|ух|ох|ьох|ма)\\b",
}


def rewritten(text: str, number: Number, value: int, lang: str) -> str:
    """The text with another value, as many digits; in English with the ending of the ordinal that it needs."""
    changed = with_digits(text, number, str(value).zfill(len(number.digits)))
    if lang == "en" and _ENGLISH_ORDINAL.match(changed[number.end :]):
        return changed[: number.end] + _english_ending(value) + changed[number.end + 2 :]
    return changed


def is_decade(text: str, number: Number, lang: str) -> bool:
    """Whether letters attached to a round year make it a decade or a century: 1980s, 1970an, 1920-х, 1980年代; in Turkish 1980'ler."""
    ending = _ATTACHED.match(text[number.end :])
    return bool(ending and (lang != "tr" or ending.group()[1:2] == "l") and not _YEAR_WORD.match(ending.group()))


def endings_fit(text: str, number: Number, lang: str) -> Fits:
    """Whether a value takes what is attached to the number."""
    from babel import Locale

    after = text[number.end :]
    if not _ATTACHED.match(after) or lang == "en":
        return lambda value: True
    if lang in _ENDINGS_OF_SOME and re.match(_ENDINGS_OF_SOME[lang], after):
        return lambda value: False
    if lang == "tr":
        ending = re.sub(r"[\W\d_]", "", after.lower())
        return lambda value: same_ending(value, int(number.digits), ending)
    form = Locale.parse(lang).ordinal_form
    truth = form(int(number.digits))
    return lambda value: bool(form(value) == truth)


def plural_fits(text: str, number: Number, lang: str) -> Fits:
    """Whether the word beside the number has the form that a value needs: 1 mile, 2 miles; 21 год, 22 года."""
    from babel import Locale

    if not _counts_a_word(text, number):
        return lambda value: True
    form = Locale.parse(lang).plural_form
    truth = form(Decimal(int(number.digits)))
    return lambda value: bool(form(Decimal(value)) == truth)


def _counts_a_word(text: str, number: Number) -> bool:
    """A whole word, after the number or, if nothing is, before it; abbreviations (км, yrs.) have one form."""
    words = _WORDS.findall(text[number.end :]) or _WORDS.findall(text[: number.start])[-1:]
    is_attached = _ATTACHED.match(text[number.end :])
    return bool(words) and not is_attached and len(words[0]) > 2 and not words[0].endswith(".")


def _english_ending(value: int) -> str:
    if value % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
