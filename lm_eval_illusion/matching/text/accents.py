"""Accents: a word that is written without its accents is the same word, a word with other accents is another one.

Ai Cap is Ai Cập and ΑΘΗΝΑ is Αθήνα, but γέρος is not γερός. Where leaving out the accents makes another word (año, ano), the language
file lists it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from lm_eval_illusion.languages import language

# Marks that are accents or vowel points. In the scripts of India, marks are vowels, and й is another letter than и.
_POINTS = "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u0652\u0670"
_ACCENTED = re.compile(rf"(?:(?<=[a-zͰ-Ͽἀ-῾])[\u0300-\u036f]+|[{_POINTS}]+)", re.IGNORECASE)
_HAS_POINT = re.compile(f"[{_POINTS}]")
_BREATHINGS = re.compile("[\u0313\u0314\u0345\u0308]")
_UNIFIED = re.compile("[\u0300-\u036f]+")
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[\u0300-\u036f]|[{_POINTS}])*")
# Letters with a stroke or without a dot, which Unicode does not decompose.
_STROKES = str.maketrans({"đ": "d", "ł": "l", "ø": "o", "ı": "i"})


@lru_cache(maxsize=50_000)
def bare(text: str) -> str:
    """Return a caseless text without accents, vowel points and strokes."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _ACCENTED.sub("", unicodedata.normalize("NFD", text))).translate(_STROKES)


@lru_cache(maxsize=20_000)
def is_same_but_accents(one: str, other: str) -> bool:
    """Return whether two caseless texts are equal but for accents that one of them leaves out."""
    if one == other:
        return True
    if bare(one) != bare(other):
        return False
    pairs = list(zip(_marks(one), _marks(other), strict=False))
    return all(left <= right for left, right in pairs) or all(left >= right for left, right in pairs)


def _marks(text: str) -> list[frozenset[str]]:
    """Return the accents of each letter; a stroke, or the dot of an i that has a dotless sister, is one."""
    found: list[set[str]] = []
    for character in unicodedata.normalize("NFD", text):
        if found and unicodedata.combining(character):
            found[-1].add(character)
        else:
            found.append({"stroke"} if character in "đłøı" else set())
    return [frozenset(marks) for marks in found]


@cache
def _needs_accents(lang: str) -> frozenset[str]:
    return frozenset(unicodedata.normalize("NFC", word.casefold()) for word in language(lang).spelling.accents_needed)


def may_lose_accents(word: str, lang: str) -> bool:
    """Return whether a caseless word without its accents is no other word."""
    return word not in _needs_accents(lang)


@lru_cache(maxsize=20_000)
def contradict(one: str, other: str, lang: str) -> bool:
    """Return whether two texts differ in accents that the normal form does not keep, so that they are different words.

    Texts that also differ in other respects do not contradict each other here.
    """
    strips_marks = language(lang).spelling.strip_marks
    if (one.isascii() and other.isascii()) or not (strips_marks or _HAS_POINT.search(one) or _HAS_POINT.search(other)):
        return False
    # Only the first words can differ in number: the normal form has no articles.
    pairs = list(zip(reversed(_written_words(one)), reversed(_written_words(other)), strict=False))
    if any(bare(left) != bare(right) for left, right in pairs):
        return False
    return any(
        not is_same_but_accents(_unified(left) if strips_marks else left, _unified(right) if strips_marks else right)
        or (left != right and not all(may_lose_accents(word, lang) for word in (left, right)))
        for left, right in pairs
    )


def _unified(word: str) -> str:
    """Return a word with one kind of accent: in Ἀθῆναι and Αθήναι the same letter has an accent."""
    return _UNIFIED.sub("\u0301", _BREATHINGS.sub("", unicodedata.normalize("NFD", word)))


def _written_words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFC", text.casefold()))
