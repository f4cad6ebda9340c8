"""What stands around a mention: the line as a sequence of words and marks in which the word lists of a language are searched.

Words are caseless and in the spelling that the language folds. Signs that divide sentences or clauses are unified, all others are left
out. So `isn't`, `ISN’T` and the entry "isn't" of a list are the same, and a mark is never part of a word.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.text.lines import Line, Unit

SENTENCE_ENDS = ".?¿"
"""Marks that end a sentence; "?" ends a question and "¿" begins one."""
CLAUSE_ENDS = SENTENCE_ENDS + ",:;()"
"""Marks that end a clause. A dash is a colon."""
_REACH = 240
"""Characters before and after a mention that are looked at: no rule may become slow on a long line."""
_GAP = 4
"""Most words for which "..." in a phrase stands."""
_GAP_CHARACTERS = 12

_MARKS = {
    **dict.fromkeys(".!。！।॥…۔｡", "."),
    **dict.fromkeys("?？؟՞", "?"),
    **dict.fromkeys("¿", "¿"),
    **dict.fromkeys(",،、，､﹐", ","),
    **dict.fromkeys(":：–—―", ":"),
    **dict.fromkeys(";；؛", ";"),
    **dict.fromkeys("(（[【", "("),
    **dict.fromkeys(")）]】", ")"),
    **dict.fromkeys("/／|", "/"),
}
_OPENING = re.compile(r"\s+[\"'«„“*(¿¡]*(?P<first>\w)")
"""The beginning of a sentence behind another one."""
_BEHIND_NUMBER = re.compile(r"\d[\s°/]*(?:[a-z]{1,3}\s?[/ ]\s?)?$")
"""A number, and the first part of a unit such as km/h."""
_VOWELS = frozenset("aeiouy")


class _Place(Protocol):
    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


class Around:
    """The text before and after a mention, at most `_REACH` characters each."""

    __slots__ = ("after", "before")

    def __init__(self, before: str, after: str) -> None:
        self.before, self.after = before, after

    def hide(self, pattern: re.Pattern[str]) -> Around:
        """Return the same text with every match of a pattern replaced by as many underscores."""
        return Around(*(pattern.sub(lambda found: "_" * len(found[0]), part) for part in (self.before, self.after)))

    def within(self, marks: str) -> Around:
        """Return the part between the nearest of these marks on both sides."""
        start = max(self.before.rfind(mark) for mark in marks) + 1
        ends = [end for end in (self.after.find(mark) for mark in marks) if end >= 0]
        return Around(self.before[start:], self.after[: min(ends, default=len(self.after))])


@dataclass(frozen=True)
class Context:
    """A line as words and marks.

    Attributes:
        line: The line.
    """

    line: Line

    @cached_property
    def _layout(self) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
        """The text, and for each unit of the line where its word or mark begins and ends there."""
        space = " " if language(self.line.lang).words.spaces else ""
        pauses = language(self.line.lang).words.space_ends_clause
        parts, begins, ends = [space], [], []
        length = end = len(space)
        for index in range(len(self.line.units)):
            if pauses and _stands_after_space(self.line.units, index):
                parts.append(",")
                length += 1
            token = _token(self.line, index)
            begins.append(length)
            if token:
                parts.append(token + space)
                end = length + len(token)
                length = end + len(space)
            ends.append(end)
        return "".join(parts), tuple(begins), tuple(ends)

    @property
    def text(self) -> str:
        """All words and marks. Each has a space on both sides if the language writes spaces."""
        return self._layout[0]

    def around(self, place: _Place) -> Around:
        """Return the text around a place of the line as written. Both parts include the space beside it."""
        start, end = self.bounds(place)
        return Around(self.text[max(0, start - _REACH) : start], self.text[end : end + _REACH])

    def has_capital(self, start: int, end: int) -> bool:
        """Return whether a word that begins in `text[start:end]` begins with an upper-case letter."""
        _, begins, _ = self._layout
        return any(unit.is_capital for unit in self.line.units[bisect_left(begins, start) : bisect_left(begins, end)])

    def bounds(self, place: _Place) -> tuple[int, int]:
        """Return where a place of the line as written begins and ends in `text`."""
        text, begins, ends = self._layout
        if not begins:
            return len(text), len(text)
        first = max(0, bisect_right(self._starts, place.start) - 1)
        last = max(first, bisect_left(self._starts, place.end) - 1)
        return begins[first], max(begins[first], ends[last])

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        return tuple(unit.start for unit in self.line.units)


@lru_cache(maxsize=1_000)
def context_of(line: Line) -> Context:
    """Return the context of a line; the same one for all mentions and objections."""
    return Context(line)


def as_context(text: str, lang: str) -> str:
    """Return a short text as words and marks, without spaces at its ends."""
    return Context(Line(text, lang)).text.strip()


@lru_cache(maxsize=2_000)
def phrases(entries: tuple[str, ...], lang: str) -> re.Pattern[str]:
    """Return a pattern for any of the entries of a list, as words of a context.

    In an entry, "*" stands for any letters of a word, and "..." for up to four words within the clause.
    """
    spaces = language(lang).words.spaces
    found = {_phrase(entry, lang) for entry in entries} - {""}
    if not found:
        return re.compile("(?!)")
    # The longest first: "not only" before "not". Grouped by their first letter: most words of a line then cost one comparison.
    ordered = sorted(found, key=lambda pattern: (-len(pattern), pattern))
    groups: dict[str, list[str]] = {}
    for pattern in ordered:
        groups.setdefault(pattern[0] if pattern[0].isalpha() else "", []).append(pattern[pattern[0].isalpha() :])
    alternatives = "|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in groups.items())
    return re.compile(f"(?<= )(?:{alternatives})(?= )" if spaces else f"(?:{alternatives})")


def _phrase(entry: str, lang: str) -> str:
    """Return the pattern of one entry."""
    if "*" not in entry and "..." not in entry:
        return re.escape(as_context(entry, lang))
    spaces = language(lang).words.spaces
    letter = rf"[^ {re.escape(CLAUSE_ENDS)}]"
    parts = []
    for part in entry.split():
        if part == "...":
            parts.append(f"(?:{letter}+ ){{0,{_GAP}}}?" if spaces else f"{letter}{{0,{_GAP_CHARACTERS}}}?")
        else:
            pattern = (
                f"{letter}+"
                if part == "*"
                else f"{letter}*".join(re.escape(as_context(piece, lang)) for piece in part.split("*"))
            )
            parts.append(pattern + " " * spaces)
    return "".join(parts).removesuffix(" ")


def _token(line: Line, index: int) -> str:
    """Return the word or mark of a unit, or "" for a sign that is left out."""
    units, lang = line.units, line.lang
    unit = units[index]
    if unit.is_word:
        # With accents removed, "or" would be "the" in Greek and "where" in French.
        strips = language(lang).spelling.strip_marks
        return unicodedata.normalize("NFC", line.text[unit.start : unit.end].casefold()) if strips else unit.text
    before = index > 0 and units[index - 1].is_word and units[index - 1].end == unit.start
    after = index + 1 < len(units) and units[index + 1].is_word and units[index + 1].start == unit.end
    if unit.text == "'":
        return "'" if before and after else ""
    mark = _MARKS.get(unit.text, "")
    if unit.text in language(lang).questions.marks:
        return "?"
    if mark in (":", ",", ".") and before and after and (unit.text in ".:–" or _is_within_number(units, index)):
        return ""
    if unit.text == "." and before and _is_abbreviation(units[index - 1]) and not _ends_sentence(line, index):
        return ""
    if unit.text == "/" and before and after and _is_unit(line, units[index - 1]):
        return ""
    if not mark and unicodedata.category(unit.text[0]) == "Pd" and not (before or after):
        return ":"
    return mark


def _stands_after_space(units: tuple[Unit, ...], index: int) -> bool:
    return index > 0 and units[index - 1].end < units[index].start and units[index - 1].is_word


def _is_within_number(units: tuple[Unit, ...], index: int) -> bool:
    return units[index - 1].text[-1:].isdigit() and units[index + 1].text[:1].isdigit()


def _ends_sentence(line: Line, index: int) -> bool:
    """Return whether the full stop behind the unit of a number (6 km.) or behind capitals (BBC.) ends a sentence: a capital follows."""
    word, stop = line.units[index - 1], line.units[index]
    opening = _OPENING.match(line.text, stop.end)
    if opening is None or not opening["first"].isupper():
        return False
    written = line.text[word.start : word.end]
    is_capitals = len(written) > 1 and written.isalpha() and written.isupper()
    return is_capitals or _is_unit(line, word)


def _is_unit(line: Line, word: Unit) -> bool:
    """Return whether a word stands behind a number: km in 6 km, and h in 110 km/h."""
    return _BEHIND_NUMBER.search(line.text, max(0, word.start - 12), word.start) is not None


def _is_abbreviation(unit: Unit) -> bool:
    """Return whether a word before a full stop is an initial or an abbreviation: J., St., Dr., bzw."""
    without_vowel = len(unit.text) <= 3 and unit.text.isascii() and unit.text.isalpha() and not _VOWELS.intersection(unit.text)
    return without_vowel or (len(unit.text) == 1 and unit.is_capital)
