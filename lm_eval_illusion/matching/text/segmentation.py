"""Where words begin and end in a language that writes no spaces between them, by a list of its words.

The text around a mention is divided into as few words as possible; the mention is one of them if that takes no more words. So a mention
is only found within another word where the list has this word, as 罗马尼亚 around 罗马 and ม้าลาย around ม้า, and a name that no list has is
never cut. docs/concepts.md compares this rule with the segmenters that Python packages offer.
"""

from __future__ import annotations

import lzma
import unicodedata
from collections.abc import Collection
from functools import cache, lru_cache
from itertools import pairwise
from typing import NamedTuple

from lm_eval_illusion.languages import FOLDER, language
from lm_eval_illusion.matching.text.orthography import standard_letters

_LONGEST_WORD = 25
_WINDOW = 40
"""Characters before and after a mention that are looked at: more than the words beside it have."""
_PREFERENCE = 0.01
"""The mention costs this much less than another word: of divisions into as many words, the one with the mention is taken."""


class Surroundings(NamedTuple):
    """The words beside a mention.

    Attributes:
        before: The word before the mention; "" if the mention begins within a word, or if a sign or the end of the text is there.
        cut_before: What stands before the mention in the same word; "" if the mention begins a word.
        cut_after: What stands behind the mention in the same word; "" if the mention ends a word.
        after: The word behind the mention, as `before`.
    """

    before: str
    cut_before: str
    cut_after: str
    after: str


def surroundings(text: str, start: int, end: int, lang: str) -> Surroundings:
    """Return the words beside the mention `text[start:end]`, in the standard letters of the language.

    Args:
        text: A line as written.
        start: Index of the first character of the mention.
        end: Index after its last character.
        lang: ISO 639-1 code of a language with a word list.
    """
    first, last = start, end
    while first > max(0, start - _WINDOW) and _is_letter(text[first - 1]):
        first -= 1
    while last < min(len(text), end + _WINDOW) and _is_letter(text[last]):
        last += 1
    return _surroundings(standard_letters(text[first:last], lang), start - first, end - first, lang)


@lru_cache(maxsize=10_000)
def _surroundings(text: str, start: int, end: int, lang: str) -> Surroundings:
    words = list(pairwise(_divide(text, start, end, lang)))
    left = next(((one, other) for one, other in words if one < start <= other), (start, start))
    right = next(((one, other) for one, other in words if one <= end < other), (end, end))
    return Surroundings(
        before=text[left[0] : start] if left[1] == start else "",
        cut_before=text[left[0] : start] if left[1] > start else "",
        cut_after=text[end : right[1]] if right[0] < end else "",
        after=text[end : right[1]] if right[0] == end else "",
    )


@lru_cache(maxsize=20_000)
def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM"


def _divide(text: str, start: int, end: int, lang: str) -> list[int]:
    """Return the bounds of the words of a text: the division into the fewest words, where an unknown letter is a word."""
    known, never_first = word_list(lang), language(lang).words.never_first
    ends = [at for at in range(1, len(text) + 1) if at == len(text) or text[at] not in never_first]
    costs = [0.0] + [float("inf")] * len(text)
    previous = [0] * (len(text) + 1)
    for place, at in enumerate([0, *ends[:-1]]):
        for after in ends[place : place + _LONGEST_WORD]:
            is_mention = at == start and after == end
            if after == ends[place] or is_mention or text[at:after] in known:
                cost = costs[at] + 1 - _PREFERENCE * is_mention
                if cost < costs[after]:
                    costs[after], previous[after] = cost, at
    bounds = [len(text)]
    while bounds[-1] > 0:
        bounds.append(previous[bounds[-1]])
    return bounds[::-1]


@cache
def word_list(lang: str) -> Collection[str]:
    """Return the words of at least two characters in the file `<lang>_words.txt.xz`, one word a line.

    They are the keys of a dict: Python's garbage collector skips a dict of texts, but visits each element of a set in every full run.
    """
    return dict.fromkeys(lzma.decompress((FOLDER / f"{lang}_words.txt.xz").read_bytes()).decode("utf-8").splitlines())
