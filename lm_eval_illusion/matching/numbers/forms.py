"""Answers with a number: found in a line by value, in words or digits, and refused where they are only a part of another number."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.numbers.clauses import numbers_in_characters, places_without_numbers
from lm_eval_illusion.matching.numbers.found import FoundNumber
from lm_eval_illusion.matching.numbers.lines import numbers_in_words, words_without_numbers
from lm_eval_illusion.matching.numbers.words import attached_counter, may_have_numbers
from lm_eval_illusion.matching.text.lines import Clause, Line, line_of
from lm_eval_illusion.matching.text.normalize import articles_of, normalise
from lm_eval_illusion.matching.text.word_boundaries import cuts_word
from lm_eval_illusion.matching.words.inflection import is_form

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
    if _has_other_quantity(answer):
        return ()
    # Most answers are names: the normal form shows at once that they have no number.
    if not may_have_numbers(normalise(answer, lang), lang):
        return ()
    if language(lang).words.spaces:
        line = line_of(answer, lang, keeps_articles=True)
        placed = _pieces(line, with_unclear=False)
        # A last word that is spelled like an article is none: Astra 2A.
        if not placed or placed[-1][2] < len(line.words):
            return ()
        pieces = tuple(piece for piece, _, _ in placed)
    else:
        whole = line_of(answer, lang).whole
        pieces = tuple(piece for piece, _, _ in _character_pieces(whole, with_unclear=False) if piece)
    return pieces if any(isinstance(piece, FoundNumber) for piece in pieces) else ()


def _has_other_quantity(answer: str) -> bool:
    """Return whether a text has a sign of a currency, or one of `_OTHER_QUANTITY`."""
    if answer.isascii():
        return "%" in answer or "$" in answer
    return any(character in _OTHER_QUANTITY or unicodedata.category(character) == "Sc" for character in answer)


def is_number(text: str, lang: str) -> bool:
    """Return whether a text is one number and nothing else, in words or digits."""
    pieces = number_pieces(text, lang)
    return len(pieces) == 1 and isinstance(pieces[0], FoundNumber)


def is_part_of_other_number(line: Line, start: int, end: int, answers: Sequence[str]) -> bool:
    """Return whether a place in a line is a part of a longer number or one end of a range: two in forty-two, 20 in 20-30.

    Args:
        line: The line.
        start: Index of the first character of the place in the line as written.
        end: Index after its last character.
        answers: All answers. Without a number in one of them there is nothing to check.
    """
    pieces = [found for answer in answers if (found := number_pieces(answer, line.lang))]
    if not pieces:
        return False
    if all(len(found) == 1 for found in pieces) and any(
        first <= start and end <= after for first, after in _spans_without_numbers(line.text, line.lang)
    ):
        return (start, end) != (0, len(line.text))
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


@lru_cache(maxsize=1_000)
def _spans_without_numbers(text: str, lang: str) -> tuple[tuple[int, int], ...]:
    """Return the places of the phrases of a line whose words look like numerals and are none: "the one" is not the number one."""
    if language(lang).words.spaces:
        line = line_of(text, lang, keeps_articles=True)
        return tuple(line.span(word, word + 1) for word in sorted(words_without_numbers(line)))
    return tuple(
        clause.span(*place) for clause in _clauses(text, lang) for place in places_without_numbers(clause.normal, lang)
    )


def _clauses(text: str, lang: str) -> tuple[Clause, ...]:
    return line_of(text, lang).clauses


@lru_cache(maxsize=2_000)
def _pieces(line: Line, with_unclear: bool, with_counters: bool = False) -> tuple[tuple[Piece, int, int], ...]:
    """Return the words and numbers of a line without its articles, each with the indices of its first word and after its last.

    Args:
        line: The line, with its articles.
        with_unclear: Numerals that may be other words are numbers.
        with_counters: A counter that is written together with a numeral is a word of its own.
    """
    numbers = {number.first: number for number in numbers_in_words(line) if number.is_clear or with_unclear}
    found: list[tuple[Piece, int, int]] = []
    index = 0
    while index < len(line.words):
        number, word = numbers.get(index), line.words[index]
        if number:
            found.append((number, index, number.after))
            counter = attached_counter(line.words[number.after - 1], line.lang) if with_counters else ""
            if counter:
                found.append((counter, number.after - 1, number.after))
        elif not (word in articles_of(line.lang) or (index + 1 in numbers and word in _digit_prefixes(line.lang))):
            found.append((word, index, index + 1))
        index = number.after if number else index + 1
    return tuple(found)


def _find_in_words(pieces: Sequence[Piece], line: Line) -> Iterator[tuple[int, int]]:
    numbers = numbers_in_words(line)
    if not numbers:
        return
    if len(pieces) == 1:
        for number in numbers:
            is_line = number.first == 0 and number.after == len(line.words)
            if number.is_clear and _agree(pieces[0], number, True, is_line, line.lang):
                yield line.span(number.first, number.after)
        return
    century = language(line.lang).dates.century
    names_century = century is not None and any(isinstance(piece, str) and century.match(piece) for piece in pieces)
    readings = (_pieces(line, False), _pieces(line, True), _pieces(line, True, with_counters=True))
    for said in dict.fromkeys(readings):
        for start in range(len(said) - len(pieces) + 1):
            window = said[start : start + len(pieces)]
            if all(
                _agree(piece, other, False, False, line.lang) or (names_century and _are_same_century(piece, other))
                for piece, (other, _, _) in zip(pieces, window, strict=True)
            ):
                yield line.span(window[0][1], window[-1][2])


def _character_pieces(clause: Clause, with_unclear: bool) -> tuple[tuple[Piece, int, int], ...]:
    """Return the numbers of a clause, and the texts before, between and behind them, each with its indices."""
    found: list[tuple[Piece, int, int]] = []
    index = 0
    for number in numbers_in_characters(clause):
        if not (number.is_clear or with_unclear):
            continue
        found += [(clause.normal[index : number.first], index, number.first), (number, number.first, number.after)]
        index = number.after
    return (*found, (clause.normal[index:], index, len(clause.normal)))


def _find_in_characters(pieces: Sequence[Piece], clause: Clause) -> Iterator[tuple[int, int]]:
    said = _character_pieces(clause, with_unclear=len(pieces) > 1)
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


def _are_same_century(piece: Piece, said: Piece) -> bool:
    """Return whether two numbers beside a word for century are equal: there a cardinal is an ordinal, too."""
    return (
        isinstance(piece, FoundNumber)
        and isinstance(said, FoundNumber)
        and piece.value == said.value
        and {piece.kind, said.kind} == {"cardinal", "ordinal"}
    )


def _kinds_agree(gold: FoundNumber, said: FoundNumber, alone: bool, is_line: bool) -> bool:
    """Return whether two ways to write a number may mean the same: an ordinal is no cardinal.

    Digits and Roman numerals may mean both where the words beside them are those of the answer.
    """
    kinds = {gold.kind, said.kind}
    if len(kinds) == 1 or kinds == {"digits", "cardinal"} or ("dotted" in kinds and not kinds & {"range", "roman"}):
        return True
    if "range" in kinds or kinds == {"cardinal", "ordinal"}:
        return False
    return not alone or (is_line and gold.kind == "ordinal" and said.kind == "digits")


@cache
def _digit_prefixes(lang: str) -> frozenset[str]:
    return frozenset(normalise(word, lang) for word in language(lang).numbers.words.digit_prefixes)
