"""Vowel harmony of Turkish suffixes after a number: 20'ye, 70'e, 1997'de, 1963'te.

The last spoken word of the number determines the vowel and the first consonant of the suffix.
"""

from __future__ import annotations

from typing import NamedTuple

from lm_eval_illusion.languages.record import SpokenNumbers

# The last vowel of a word -> the vowel of a suffix with i, ı, u, ü, and of a suffix with a, e.
_NARROW = dict(zip("aıeioöuü", "ııiiuüuü", strict=True))
_WIDE = dict(zip("aıeioöuü", "aaeeaeae", strict=True))
_VOICELESS = "fstkçşhp"


class _SuffixForm(NamedTuple):
    """The vowel of a suffix, and whether the sound before it is voiceless (-te) or a vowel (-ye); None if that has no influence."""

    vowel: str
    sound_before: bool | None


def same_suffix_form(first: int, second: int, suffix: str, spoken: SpokenNumbers) -> bool:
    """Return whether two numbers take the same form of a suffix. `suffix`: letters only, as written after one of them."""
    return _suffix_form(_last_word(first, spoken), suffix) == _suffix_form(_last_word(second, spoken), suffix)


def _suffix_form(word: str, suffix: str) -> _SuffixForm:
    is_wide = next((letter for letter in suffix if letter in _WIDE), "") in "ae"
    last_vowel = next(letter for letter in reversed(word) if letter in _WIDE)
    return _SuffixForm((_WIDE if is_wide else _NARROW)[last_vowel], _sound_before(word, suffix))


def _sound_before(word: str, suffix: str) -> bool | None:
    if suffix[0] in "lk":
        return None
    return word[-1] in (_VOICELESS if suffix[0] in "dtcç" else _WIDE)


def _last_word(value: int, spoken: SpokenNumbers) -> str:
    if value == 0:
        return spoken.zero
    if value % 10:
        return spoken.digits[value % 10 - 1]
    if value % 100:
        return spoken.tens[value % 100 // 10 - 1]
    if value % 1000:
        return spoken.hundred
    return spoken.thousand if value % 10**6 else spoken.million
