"""Answers with a number: found in a line by value, in words or digits, and refused where they are only a part of another number."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.found_numbers import FoundNumber
from lm_eval_illusion.matching.inflection import is_form
from lm_eval_illusion.matching.lines import Clause, Line, line_of
from lm_eval_illusion.matching.normalize import normalise
from lm_eval_illusion.matching.number_clauses import numbers_in_characters
from lm_eval_illusion.matching.number_lines import numbers_in_words
from lm_eval_illusion.matching.word_boundaries import cuts_word

_OTHER_QUANTITY = frozenset("%٪‰°")

Piece = str | FoundNumber
"""A word (a text, where no spaces separate words) or a number."""


def find_numbers(text: str, answer: str, lang: str) -> Iterator[tuple[int, int]]:
    """Yield the places where a line says an answer that contains a number, with each number in any notation.

    Nothing for an answer without a number.

    Args:
        text: The first visible line of an output.
        answer: One answer.
        lang: ISO 639-1 code.
    """
    pieces = number_pieces(answer, lang)
    if not pieces:
        return
    if language(lang).words.spaces:
        yield from _find_in_words(pieces, line_of(text, lang, keeps_articles=True))
    else:
        for clause in _clauses(text, lang):
            yield from _find_in_characters(pieces, clause)


@lru_cache(maxsize=50_000)
def number_pieces(answer: str, lang: str) -> tuple[Piece, ...]:
    """Return an answer as words and numbers; empty if it contains no number, or a sign that the normal form lacks (10 €, 5 °)."""
    if any(character in _OTHER_QUANTITY or unicodedata.category(character) == "Sc" for character in answer):
        return ()
    if language(lang).words.spaces:
        line = line_of(answer, lang, keeps_articles=True)
        placed = _pieces(line)
        # A last word that is spelled like an article is none: Astra 2A.
        if not placed or placed[-1][2] < len(line.words):
            return ()
        pieces = tuple(piece for piece, _, _ in placed)
    else:
        whole = line_of(answer, lang).whole
        pieces = tuple(piece for piece, _, _ in _character_pieces(whole) if piece)
    return pieces if any(isinstance(piece, FoundNumber) for piece in pieces) else ()


def is_part_of_other_number(line: Line, start: int, end: int, answers: Sequence[str]) -> bool:
    """Return whether a place in a line is a part of a longer number or one end of a range: two in forty-two, 20 in 20-30.

    Args:
        line: The line.
        start: Index of the first character of the place in the line as written.
        end: Index after its last character.
        answers: All answers. Without a number in one of them there is nothing to check.
    """
    if not any(number_pieces(answer, line.lang) for answer in answers):
        return False
    return any(
        (first < start < after or first < end < after) or (first <= start and end <= after and (first, after) != (start, end))
        for first, after in _number_spans(line.text, line.lang)
    )


@lru_cache(maxsize=1_000)
def _number_spans(text: str, lang: str) -> tuple[tuple[int, int], ...]:
    """Return where the numbers of a line stand in the line as written."""
    if language(lang).words.spaces:
        line = line_of(text, lang, keeps_articles=True)
        return tuple(line.span(number.first, number.after) for number in numbers_in_words(line))
    return tuple(
        clause.span(number.first, number.after) for clause in _clauses(text, lang) for number in numbers_in_characters(clause)
    )


def _clauses(text: str, lang: str) -> tuple[Clause, ...]:
    return line_of(text, lang).clauses


@lru_cache(maxsize=2_000)
def _pieces(line: Line) -> tuple[tuple[Piece, int, int], ...]:
    """Return the words and numbers of a line without its articles, each with the indices of its first word and after its last."""
    numbers = {number.first: number for number in numbers_in_words(line)}
    found: list[tuple[Piece, int, int]] = []
    index = 0
    while index < len(line.words):
        number, word = numbers.get(index), line.words[index]
        if number:
            found.append((number, index, number.after))
        elif not (word in _articles(line.lang) or (index + 1 in numbers and word in _digit_prefixes(line.lang))):
            found.append((word, index, index + 1))
        index = number.after if number else index + 1
    return tuple(found)


def _find_in_words(pieces: Sequence[Piece], line: Line) -> Iterator[tuple[int, int]]:
    alone = len(pieces) == 1
    if not numbers_in_words(line):
        return
    said = _pieces(line)
    for start in range(len(said) - len(pieces) + 1):
        window = said[start : start + len(pieces)]
        is_line = len(said) == len(pieces)
        if all(_agree(piece, other, alone, is_line, line.lang) for piece, (other, _, _) in zip(pieces, window, strict=True)):
            yield line.span(window[0][1], window[-1][2])


def _character_pieces(clause: Clause) -> tuple[tuple[Piece, int, int], ...]:
    """Return the numbers of a clause, and the texts before, between and behind them, each with its indices."""
    found: list[tuple[Piece, int, int]] = []
    index = 0
    for number in numbers_in_characters(clause):
        found += [(clause.normal[index : number.first], index, number.first), (number, number.first, number.after)]
        index = number.after
    return (*found, (clause.normal[index:], index, len(clause.normal)))


def _find_in_characters(pieces: Sequence[Piece], clause: Clause) -> Iterator[tuple[int, int]]:
    said = _character_pieces(clause)
    if len(said) == 1:
        return
    alone, words = len(pieces) == 1, language(clause.lang).words
    # The texts before the first and behind the last number need only end or begin alike.
    before = pieces[0] if isinstance(pieces[0], str) else ""
    behind = pieces[-1] if isinstance(pieces[-1], str) else ""
    inner = _with_texts(pieces[bool(before) : len(pieces) - bool(behind)])
    for at in range(1, len(said) - len(inner), 2):
        window = said[at : at + len(inner)]
        start, end = window[0][1] - len(before), window[-1][2] + len(behind)
        if (
            str(said[at - 1][0]).endswith(before)
            and str(said[at + len(inner)][0]).startswith(behind)
            and not (cuts_word(clause.normal, start, words) or cuts_word(clause.normal, end, words))
            and all(
                _agree(piece, other, alone, end - start == len(clause.normal), clause.lang)
                for piece, (other, _, _) in zip(inner, window, strict=True)
            )
        ):
            yield clause.span(start, end)


def _with_texts(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the pieces with an empty text between two numbers."""
    found: list[Piece] = []
    for piece in pieces:
        if found and isinstance(piece, FoundNumber) and isinstance(found[-1], FoundNumber):
            found.append("")
        found.append(piece)
    return found


def _agree(piece: Piece, said: Piece, alone: bool, is_line: bool, lang: str) -> bool:
    if isinstance(piece, FoundNumber):
        return isinstance(said, FoundNumber) and piece.value == said.value and _kinds_agree(piece, said, alone, is_line)
    if isinstance(said, FoundNumber):
        return False
    century = language(lang).dates.century
    return (
        piece == said
        or (bool(piece) and bool(said) and is_form(piece, said, lang))
        or (century is not None and century.match(piece) is not None and century.match(said) is not None)
    )


def _kinds_agree(one: FoundNumber, other: FoundNumber, alone: bool, is_line: bool) -> bool:
    """Return whether two ways to write a number may mean the same: an ordinal is no cardinal.

    Digits and Roman numerals may mean both where the words beside them are those of the answer.
    """
    kinds = {one.kind, other.kind}
    if len(kinds) == 1 or kinds == {"digits", "cardinal"} or ("dotted" in kinds and not kinds & {"range", "roman"}):
        return True
    if "range" in kinds or kinds == {"cardinal", "ordinal"}:
        return False
    return not alone or (is_line and "roman" not in kinds)


@cache
def _articles(lang: str) -> frozenset[str]:
    return frozenset(normalise(article, lang) for article in language(lang).words.articles)


@cache
def _digit_prefixes(lang: str) -> frozenset[str]:
    return frozenset(normalise(word, lang) for word in language(lang).numbers.words.digit_prefixes)
