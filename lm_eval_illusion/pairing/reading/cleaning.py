"""Cleaning of texts: HTML entities become characters, characters that nobody sees go, white space becomes plain."""

from __future__ import annotations

import html
import re
from html.entities import html5

from lm_eval_illusion.pairing.reading.notices import Notices
from lm_eval_illusion.pairing.reading.rows import BadRowError

HALF_CHARACTER = "half a character"
# Characters without a glyph. The joiners U+200C and U+200D are not among them: Persian, Hindi and Telugu spell with them.
_INVISIBLE = re.compile(
    "[\u200b\u2060\ufeff\u00ad\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|([A-Za-z][A-Za-z0-9]{1,31}));")
_TAG = re.compile(r"</?(?:a|b|br|div|em|font|i|li|p|small|span|strong|sub|sup|td|tr|u|ul)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")
MOST_UNESCAPED = 2
"""Some data is escaped twice: &amp;#39; for an apostrophe."""


def whole_characters(text: str, location: str) -> str:
    """Return the text if it can be written as UTF-8.

    Raises:
        BadRowError: It has an unpaired surrogate, which JSON can state by an escape.
    """
    if not text.isascii() and (found := _SURROGATE.search(text)):
        surrogate = ascii(found[0]).strip("'")
        raise BadRowError(
            location,
            HALF_CHARACTER,
            f"{surrogate} is half a character: write the whole surrogate pair, or the character itself",
        )
    return text


def cleaned(text: str, field: str, location: str, notices: Notices, keep_lines: bool = False) -> str:
    """Return a text without HTML entities, invisible characters and superfluous white space; each kind of change is noted.

    `keep_lines`: line breaks stay, as in a passage. Elsewhere they become spaces: a line break in an answer could never match the first
    line of an output.
    """
    if text.isprintable() and "&" not in text and "<" not in text:
        return text.strip() if keep_lines else " ".join(text.split())
    if "&" in text and ";" in text:
        unescaped = _without_entities(text)
        if unescaped != text:
            notices.add(f"wrote HTML entities such as {_first_entity(text)} in the {field} as characters", location)
            text = unescaped
    if removed := sorted(set(_INVISIBLE.findall(text))):
        codes = ", ".join(f"U+{ord(character):04X}" for character in removed)
        notices.add(f"took {codes} (invisible) out of the {field}", location)
        text = _INVISIBLE.sub("", text)
    if "<" in text and _TAG.search(text):
        notices.add(f"left HTML tags such as <b> in the {field}", location)
    return text.strip() if keep_lines else " ".join(text.split())


def _without_entities(text: str) -> str:
    """Return the text with each entity as its character. AT&T and R&D; stay: an entity ends in a semicolon and has a known name."""
    for _ in range(MOST_UNESCAPED):
        text = _ENTITY.sub(lambda found: html.unescape(found[0]) if _is_known(found) else found[0], text)
    return text


def _first_entity(text: str) -> str:
    return next((found[0] for found in _ENTITY.finditer(text) if _is_known(found)), "")


def _is_known(entity: re.Match[str]) -> bool:
    return entity[1] is None or f"{entity[1]};" in html5
