"""Text from other people's files made safe for where it is shown: names, outputs of models and messages may contain anything."""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"
"""Zero-width (non-)joiner: Persian, the languages of India and emoji are written with them, and they move nothing."""
# Control characters, half characters (surrogates), invisible format characters (bidirectional overrides), line separators.
_UNSAFE_CATEGORIES = ("Cc", "Cs", "Cf", "Zl", "Zp")


def for_terminal(text: str) -> str:
    """Return a text as one line that a terminal shows and does not obey: "\\x1b[2J" stands there as these six characters.

    Control characters (C0, C1), line breaks, bidirectional overrides, invisible characters and unpaired surrogates become Python's
    escapes. All other characters stay, whatever their script.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(character) if _is_unsafe(character) else character for character in text)


def _is_unsafe(character: str) -> bool:
    return unicodedata.category(character) in _UNSAFE_CATEGORIES and character not in _JOINERS


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
