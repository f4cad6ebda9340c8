"""How much room text takes, guessed without its font: enough to wrap a title and to cut a label."""

from __future__ import annotations

import unicodedata

WIDE_CHARACTER = 1.0
NARROW_CHARACTER = 0.56
BOLD = 1.1
"""How much wider bold letters are."""
PROSE = 0.88
"""How much narrower a sentence is than names of the same length: spaces and small letters."""
SIZE = 12


def width_of(text: str, size: float = SIZE) -> float:
    """The width in pixels: East Asian characters are square, others a bit more than half as wide."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return size * (wide * WIDE_CHARACTER + (len(text) - wide) * NARROW_CHARACTER)


def cut(text: str, room: float, size: float = SIZE) -> str:
    """The text, or as much of its start as fits and an ellipsis."""
    if width_of(text, size) <= room:
        return text
    while text and width_of(text + "…", size) > room:
        text = text[:-1]
    return text + "…"


def wrapped(text: str, room: float, size: float = SIZE) -> list[str]:
    """Lines no wider than the room, broken at spaces; a single word that is wider is cut."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(cut(word, room, size))
    return lines
