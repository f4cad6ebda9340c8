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
_REPEATED = re.compile(rf"(.{{1,{LONGEST_UNIT}}}?)\1+", re.DOTALL)


def has_loop(line: str) -> bool:
    """Return whether a text comes at least three times in a row in a line, and this is at least a quarter of the line.

    Or few of the triples of words of a long line are distinct: its phrases come again and again with small changes.
    The last copy of a phrase may be half, and of a sentence two copies are enough. Digits count as equal, so a list that only counts
    on is a loop, but a short number is none. White space and case do not count.
    """
    # A space at the end, so that the last copy has one, too.
    text = " ".join([*_folded(line).split(), ""])
    return _has_few_phrases(text) or any(_is_loop(found, text) for found in _REPEATED.finditer(text))


def repeats_first_line(response: str) -> bool:
    """Return whether the first line with letters or digits comes at least three times in a row. Only a raw response shows this."""
    lines = [letters for line in response.splitlines() if (letters := "".join(filter(str.isalnum, _folded(line))))]
    return len(lines) >= COPIES and len(set(lines[:COPIES])) == 1


def _folded(text: str) -> str:
    return re.sub(r"\d", "0", unicodedata.normalize("NFKC", text).casefold())


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
    # 1,000,000 is no loop.
    return unit.strip("0 ,.'") != "" and 5 * length >= 4 * whole and len(loop) >= 5
