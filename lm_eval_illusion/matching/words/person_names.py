"""Names of persons with other given names: J. Rowling for Joanne Rowling, Lev Nikolayevich Tolstoy for Lev Tolstoy.

A given name and its initial are the same. A middle initial and a patronymic may be left out on either side.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.text.lines import Line
from lm_eval_illusion.matching.text.normalize import normalise
from lm_eval_illusion.matching.words.inflection import is_form

_INITIALS = re.compile(r"(?:[^\W\d_]\.[\s-]?)*[^\W\d_]")
_LEAST_SURNAME = 3
_MOST_GIVEN_NAMES = 4


class _Name(NamedTuple):
    """The words of a name, normalised; an initial is one letter."""

    given: tuple[str, ...]
    surname: str


def find_person(answer: str, line: Line) -> Iterator[tuple[int, int]]:
    """Yield the first index and the index after the last of words that are a name with other given names or initials.

    Args:
        answer: As written; nothing is found for one that is no name of several words.
        line: The line.
    """
    patronymic = language(line.lang).names.patronymics
    if "." not in line.text and "." not in answer and not patronymic:
        return
    name = _name_of(answer, line.lang)
    if name is None:
        return
    surname_first = language(line.lang).names.surname_first
    for at, word in enumerate(line.words):
        if word[0] != name.surname[0] or not is_form(name.surname, word, line.lang, True):
            continue
        said: tuple[str, ...] = ()
        for first in range(at - 1, max(-1, at - 1 - _MOST_GIVEN_NAMES), -1):
            said = (*_given(line, first), *said)
            if _agree(name.given, said, line.lang):
                yield first, at + 1
                break
        said = ()
        for last in range(at + 1, min(len(line.words), at + 1 + _MOST_GIVEN_NAMES) if surname_first else 0):
            said = (*said, *_given(line, last))
            if _agree(name.given, said, line.lang):
                yield at, last + 1
                break


@lru_cache(maxsize=50_000)
def _name_of(answer: str, lang: str) -> _Name | None:
    pieces = re.split(r"[\s.]+", answer.strip(". "))
    words = [word for piece in pieces for word in normalise(piece, lang).split()]
    if len(words) < 2 or not (pieces[0][:1].isupper() and pieces[-1][:1].isupper()):
        return None
    if len(words[-1]) < _LEAST_SURNAME or not all(map(str.isalpha, words)):
        return None
    return _Name(tuple(words[:-1]), words[-1])


def _given(line: Line, index: int) -> tuple[str, ...]:
    """Return the word at an index, or its letters if they are initials with full stops."""
    start, end = line.span(index, index + 1)
    has_stop = line.text[end : end + 1] == "." or line.text[end - 1] == "."
    text = line.text[start:end].removesuffix(".")
    if has_stop and text[:1].isupper() and _INITIALS.fullmatch(text):
        return tuple(line.words[index])
    return (line.words[index],)


def _agree(given: Sequence[str], said: Sequence[str], lang: str) -> bool:
    """Return whether given names may be those of one person: all agree, except those that may be left out."""
    if not _is_same(given[0], said[0], lang):
        return False
    middle, said_middle = given[1:], said[1:]
    if not middle:
        return all(_is_optional(name, lang) for name in said_middle)
    # George H. W. Bush is not George W. Bush.
    same = all(_is_same(one, other, lang) for one, other in zip(middle, said_middle, strict=False))
    rest = middle[len(said_middle) :]
    is_shorter = len(said_middle) <= len(middle) and (len(said[0]) == 1 or all(_is_optional(name, lang) for name in rest))
    return same and is_shorter


def _is_same(one: str, other: str, lang: str) -> bool:
    if 1 in (len(one), len(other)):
        return one[0] == other[0]
    return is_form(one, other, lang, True)


def _is_optional(name: str, lang: str) -> bool:
    patronymic = language(lang).names.patronymics
    return len(name) == 1 or (patronymic is not None and patronymic.fullmatch(name) is not None)
