"""Repetition: a loop in the answer, or lines that repeat the answer."""

from __future__ import annotations

import re
import unicodedata

from lm_eval_illusion.failures.scripts import columns

COPIES = 3
"""A text that comes so often in a row is a loop."""
COPIES_OF_A_PHRASE = 2.5
"""So many copies are enough of a phrase, because the token limit may cut the last one."""
SHORTEST_PHRASE = 8
"""A text of at least so many columns is a phrase. A letter of Chinese or Korean has two columns, others have one."""
COPIES_OF_A_SENTENCE = 2
"""Of a text of at least `SHORTEST_SENTENCE` columns, two copies in a row are a loop."""
SHORTEST_SENTENCE = 60
LONGEST_UNIT = 160
"""The longest text that is searched for copies of itself, in characters."""
SHORTEST_LOOP = 16
"""A shorter loop, in columns, must be nearly the whole answer: "no no no" is one, "Ha Ha Ha Tonka" has none."""
FEWEST_WORDS = 20
"""In a line of at least so many words, repeated phrases are a loop even where other words stand between them."""
LEAST_DISTINCT = 0.6
"""The share of its triples of words that must be distinct. The beginnings of 2,388 passages of XQuAD in 12 languages have 0.7 or more."""
LONGEST_NUMBER = 24
"""So many digits of a number may repeat: 10 to the power of 24 is no loop, more zeros are one."""
FEWEST_ENTRIES = 10
"""A list of numbers is a loop of counting from so many entries on. Years or prices of an answer are fewer."""
LONGEST_ENTRY = 9
"""An entry with more letters than this, in columns, is a phrase, and its copies with other numbers are counted as copies."""
_GROUPED = re.compile(r"(?<!\d)(?<!\d[,.' ’])\d{1,3}([,.' ’])\d{3}(?:\1\d{3}){0,7}(?!\1?\d)")
"""A number with separators of thousands, of at most 27 digits."""
_REPEATED = re.compile(rf"(.{{1,{LONGEST_UNIT}}}?)\1+", re.DOTALL)


def has_loop(line: str) -> bool:
    """Return whether a text comes at least three times in a row in a line, and this is at least a quarter of the line.

    Or few of the triples of words of a long line are distinct: its phrases come again and again with small changes.
    The last copy of a phrase may be half, and of a sentence two copies are enough. White space and case do not count. Phrases that
    differ in their numbers are equal, and so are the entries of a list of ten or more numbers, which only counts on. A number with
    up to `LONGEST_NUMBER` repeated digits and a shorter list, as of years, have no loop.
    """
    text = _spaced(_GROUPED.sub(lambda number: re.sub(r"\D", "", number[0]), _folded(line)))
    counted = re.sub(r"\d+", "0", text)
    return (
        _has_few_phrases(counted)
        or any(not _is_number(found) and _is_loop(found, text) for found in _REPEATED.finditer(text))
        or (counted != text and any(_only_counts(found) and _is_loop(found, counted) for found in _REPEATED.finditer(counted)))
    )


def repeats_first_line(response: str) -> bool:
    """Return whether the first line with letters or digits comes at least three times in a row. Only a raw response shows this."""
    lines = [letters for line in response.splitlines() if (letters := "".join(filter(str.isalnum, _folded(line))))]
    # Years below each other are a list, "Question 1", "Question 2", "Question 3" are a loop.
    first = [line if line.isdecimal() else re.sub(r"\d+", "0", line) for line in lines[:COPIES]]
    return len(first) == COPIES and len(set(first)) == 1


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _spaced(text: str) -> str:
    # A space at the end, so that the last copy has one, too.
    return " ".join([*text.split(), ""])


def _only_counts(found: re.Match[str]) -> bool:
    """Return whether copies that are equal but for their numbers are a loop, and no list of a few years, dates or results."""
    letters = columns("".join(filter(str.isalpha, found[1])))
    # The last entry has no comma, or the limit cut it.
    entries = len(found[0]) // len(found[1]) + found.string.startswith(found[1][0], found.end())
    return letters > LONGEST_ENTRY or entries >= FEWEST_ENTRIES


def _is_number(found: re.Match[str]) -> bool:
    """Return whether the copies are digits, with or without signs between them, and so few that they may be one number."""
    text = found[0]
    has_words = any(character.isalpha() or character.isspace() for character in text)
    return not has_words and any(map(str.isdigit, text)) and len(text) <= LONGEST_NUMBER


def _has_few_phrases(text: str) -> bool:
    words = re.findall(r"\w+", text)
    triples = [tuple(words[start : start + 3]) for start in range(len(words) - 2)]
    return len(words) >= FEWEST_WORDS and len(set(triples)) <= LEAST_DISTINCT * len(triples)


def _is_loop(found: re.Match[str], text: str) -> bool:
    unit, loop = found[1], found[0]
    rest = text[found.end() : found.end() + len(unit)]
    begun = next((size for size, (a, b) in enumerate(zip(unit, rest, strict=False)) if a != b), len(rest))
    width = columns(unit)
    least = COPIES_OF_A_SENTENCE if width >= SHORTEST_SENTENCE else COPIES_OF_A_PHRASE if width >= SHORTEST_PHRASE else COPIES
    if (len(loop) + begun) / len(unit) < least:
        return False
    length, whole = columns(loop), columns(text)
    if length >= SHORTEST_LOOP:
        return 4 * length >= whole
    # 5 5 5 is no loop.
    return unit.strip("0123456789 ,.'") != "" and 5 * length >= 4 * whole and len(loop) >= 5
