"""Endings after a Turkish number take their sounds from its last spoken word: 20'ye, 70'e, 1997'de, 1963'te."""

from __future__ import annotations

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
