"""The line of an output that is judged: as written, in its normal form, and which place of the one belongs to which of the other.

Answers are searched in the normal form. What stands around an answer (a sign, a capital letter, a negator) is looked up in the text as
written. Places are found only when they are asked for: most outputs do not contain the answer.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.text.normalize import articles_of, normalise
from lm_eval_illusion.matching.text.number_notation import DECIMAL_MARK
from lm_eval_illusion.matching.text.orthography import fold_letters
from lm_eval_illusion.matching.text.punctuation import MINUS, PERCENT, RANGE

# Without spaces between words, an answer still does not cross the end of a clause: 京都 is not in 北京、都江堰. Between digits
# these signs are marks of a number.
CLAUSE_MARK = re.compile("(?<!\\d)[，。、；：！？,;:!?“”「」]|[，。、；：！？,;:!?“”「」](?!\\d)")
_SPACED_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK")
_APOSTROPHES = frozenset("'’ʼ´`ʻʿʾ‘′")
_LONGEST_NUMBER = 9
"""Units that one word of the normal form may come from: 1,234,567.89 has seven."""


class Unit(NamedTuple):
    """A run of letters, marks and digits of a line, or one sign.

    Attributes:
        text: Caseless, in the spelling that the language folds (`fold_letters`).
        start: Index of its first character in the line as written.
        end: Index after its last character.
        is_word: It is a run of letters, marks or digits.
        is_capital: It begins with an upper-case letter.
    """

    text: str
    start: int
    end: int
    is_word: bool
    is_capital: bool


@dataclass(frozen=True, eq=False)
class Line:
    """The first visible line of an output.

    Attributes:
        text: As written.
        lang: ISO 639-1 code.
        keeps_articles: Only articles at the beginning are removed from the normal form.
    """

    text: str
    lang: str
    keeps_articles: bool = False

    @cached_property
    def normal(self) -> str:
        """The normal form: words separated by one space."""
        return normalise(self.text, self.lang, self.keeps_articles)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the normal form."""
        return tuple(self.normal.split())

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """The words and signs of the line as written, without white space."""
        return line_of(self.text, self.lang).units if self.keeps_articles else units(self.text, self.lang)

    @cached_property
    def _word_spans(self) -> tuple[tuple[int, int], ...]:
        unchanged = _align_unchanged(self.words, self.units, self.lang)
        return unchanged or _align(self.words, self.text, self.units, lambda text: _words(text, self.lang))

    def span(self, first: int, after: int) -> tuple[int, int]:
        """Return where the words with the indices `first` to `after` - 1 of the normal form stand in the line as written."""
        spans = self._word_spans[first:after]
        return min(start for start, _ in spans), max(end for _, end in spans)

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:
        """The parts of the line between clause marks, for languages that write no spaces between words."""
        bounds = [0, *(index for mark in CLAUSE_MARK.finditer(self.text) for index in mark.span()), len(self.text)]
        return tuple(Clause(self.text, start, end, self.lang) for start, end in zip(bounds[::2], bounds[1::2], strict=True))

    @cached_property
    def whole(self) -> Clause:
        """The line as one clause."""
        return Clause(self.text, 0, len(self.text), self.lang)


@dataclass(frozen=True, eq=False)
class Clause:
    """A part of a line in a language that writes no spaces between words: `line[start:end]`."""

    line: str
    start: int
    end: int
    lang: str

    @cached_property
    def normal(self) -> str:
        """The normal form without unnecessary spaces."""
        return _characters(self.line[self.start : self.end], self.lang)

    @cached_property
    def _character_spans(self) -> tuple[tuple[int, int], ...]:
        all_units = line_of(self.line, self.lang).units
        first, after = (bisect_left(all_units, at, key=attrgetter("start")) for at in (self.start, self.end))
        written = all_units[first:after]
        unchanged = _align_unchanged_characters(self.normal, written)
        return unchanged or _align(self.normal, self.line[: self.end], written, lambda text: _characters(text, self.lang))

    def span(self, first: int, after: int) -> tuple[int, int]:
        """Return where the characters `first` to `after` - 1 of the normal form stand in the line as written."""
        spans = self._character_spans[first:after]
        return min(start for start, _ in spans), max(end for _, end in spans)


@lru_cache(maxsize=1_000)
def line_of(text: str, lang: str, keeps_articles: bool = False) -> Line:
    """Return the record of a line; the same one for the answers and rules that look at the same line."""
    return Line(text, lang, keeps_articles)


def units(text: str, lang: str) -> tuple[Unit, ...]:
    """Return the words and signs of a text as written; where no spaces separate words, each letter of such a script is a unit."""
    by_character = not language(lang).words.spaces
    found: list[Unit] = []
    start = 0
    kinds = [_kind(character) for character in text]
    while start < len(text):
        end = start + 1
        if kinds[start] == "letter":
            while end < len(text) and kinds[end] in ("letter", "mark"):
                if by_character and kinds[end] == "letter" and not (is_spaced(text[end]) and is_spaced(text[end - 1])):
                    break
                end += 1
        if kinds[start] != "space":
            written = text[start:end]
            is_word = kinds[start] in ("letter", "mark")
            folded = _fold_word(written, lang) if is_word else "'" if written in _APOSTROPHES else written
            found.append(Unit(folded, start, end, is_word, written[0].isupper()))
        start = end
    return tuple(found)


_fold_word = lru_cache(maxsize=5_000)(fold_letters)


@lru_cache(maxsize=20_000)
def _kind(character: str) -> str:
    category = unicodedata.category(character)[0]
    if category in "LN":
        return "letter"
    return "mark" if category == "M" else "space" if category in "ZC" else "sign"


@lru_cache(maxsize=2_000)
def _words(text: str, lang: str) -> tuple[str, ...]:
    return tuple(normalise(text, lang).split())


@lru_cache(maxsize=2_000)
def _characters(text: str, lang: str) -> str:
    return without_spaces(normalise(text, lang))


def _align_unchanged(words: Sequence[str], units: Sequence[Unit], lang: str) -> tuple[tuple[int, int], ...]:
    """Return the place of each word if each is one unit, and only signs and articles have no word; empty otherwise."""
    spans: list[tuple[int, int]] = []
    for unit in units:
        if len(spans) < len(words) and unit.text == words[len(spans)] and unit.is_word:
            spans.append((unit.start, unit.end))
        elif unit.is_word and unit.text not in articles_of(lang):
            return ()
    return tuple(spans) if len(spans) == len(words) else ()


def _align_unchanged_characters(normal: str, units: Sequence[Unit]) -> tuple[tuple[int, int], ...]:
    """Return the place of each character if the normal form consists of the units that are words; empty otherwise."""
    spans: list[tuple[int, int]] = []
    for unit in units:
        if normal.startswith(" ", len(spans)):
            spans.append((unit.start, unit.start))
        if unit.is_word:
            if not normal.startswith(unit.text, len(spans)):
                return ()
            spans += _spans_of_characters(unit.start, unit.end, len(unit.text))
        elif normal.startswith(_sign(unit.text), len(spans)):
            return ()
    return tuple(spans) if len(spans) == len(normal) and DECIMAL_MARK not in normal else ()


def _spans_of_characters(start: int, end: int, count: int) -> list[tuple[int, int]]:
    """Return the places of the characters of the normal form of a text: one by one, or all the whole text if it has other characters."""
    return [(start + at, start + at + 1) if count == end - start else (start, end) for at in range(count)]


def _align(
    normal: Sequence[str], text: str, units: tuple[Unit, ...], normal_of: Callable[[str], Sequence[str]]
) -> tuple[tuple[int, int], ...]:
    """Return the place in the text of each word of the normal form, or of each character where no spaces separate words.

    The units are taken from left to right. As many as needed together have the normal form of the next words: 1,234 is three units and
    one word. A unit that has no normal form, or one that is removed (an article), has no word.
    """
    spans: list[tuple[int, int]] = []
    index = 0
    while index < len(units) and len(spans) < len(normal):
        unit = units[index]
        if normal[len(spans)] == " ":
            # A space between two numbers comes from a sign: 1868/1/3.
            spans.append((unit.start, unit.start))
            continue
        if not unit.is_word and _sign(unit.text) == normal[len(spans)]:
            spans.append((unit.start, unit.end))
            index += 1
            continue
        # A sign before a word belongs to it only if the word is not found without the sign: -5.
        first_word = next((at for at in range(index, len(units)) if units[at].is_word), index)
        for start in dict.fromkeys((first_word, index)):
            after = _units_of_next(normal[len(spans) :], text, units[start : start + _LONGEST_NUMBER], normal_of)
            if after:
                found = normal_of(text[units[start].start : units[start + after - 1].end])
                while after > 1 and normal_of(text[units[start + 1].start : units[start + after - 1].end]) == found:
                    start, after = start + 1, after - 1
                first, last = units[start].start, units[start + after - 1].end
                spans += (
                    _spans_of_characters(first, last, len(found)) if isinstance(found, str) else [(first, last)] * len(found)
                )
                index = start + after
                break
        else:
            index += 1
    # What could not be placed stands somewhere behind the last place.
    rest = (spans[-1][1] if spans else units[0].start if units else 0, len(text))
    return tuple(spans + [rest] * (len(normal) - len(spans)))


def _units_of_next(normal: Sequence[str], text: str, units: tuple[Unit, ...], normal_of: Callable[[str], Sequence[str]]) -> int:
    """Return how many of the units, at least one, have the normal form with which `normal` begins; 0 if there is no such number."""
    for count in range(1, len(units) + 1):
        found = normal_of(text[units[0].start : units[count - 1].end])
        # The 3 of 3٫5 is no number of its own.
        if found and normal[: len(found)] == found and normal[len(found) : len(found) + 1] != DECIMAL_MARK:
            return count
    return 0


def _sign(text: str) -> str:
    """Return the sign that is a word of the normal form: a percent sign, or a dash between two numbers."""
    return PERCENT if text in "%٪" else RANGE if unicodedata.category(text[0]) == "Pd" else text


@lru_cache(maxsize=2_000)
def without_spaces(text: str) -> str:
    """Return the text without the spaces beside a character of a script that writes no spaces between words."""
    return "".join(
        character
        for index, character in enumerate(text)
        if character != " " or (is_spaced(text[index - 1]) and is_spaced(text[index + 1]))
    )


@lru_cache(maxsize=20_000)
def is_spaced(character: str) -> bool:
    """Return whether a character is a digit, a mark of a number, or a letter of a script that writes spaces."""
    return (
        character.isdigit() or character in (DECIMAL_MARK, MINUS) or unicodedata.name(character, "").startswith(_SPACED_SCRIPTS)
    )
