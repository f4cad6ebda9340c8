"""A number that was found in a text, and the longest number at a place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from typing import Literal, NamedTuple

from lm_eval_illusion.languages.record import NumberWords
from lm_eval_illusion.matching.normalize import normalise
from lm_eval_illusion.matching.number_grammar import Kind, Numeral, Reading, total, with_numerals

LONGEST_NUMBER = 24
"""Words of the longest number that is read."""

NumberKind = Literal["cardinal", "ordinal", "digits", "dotted", "roman", "range"]


class FoundNumber(NamedTuple):
    """A number in a line.

    Attributes:
        value: Its value, or the first and the last number of a range.
        kind: How it is written. Digits and Roman numerals may mean a cardinal or an ordinal, and so may digits with a full stop
            behind them ("dotted") in languages that write ordinals so.
        first: Index of its first word in the normal form (of its first character, where no spaces separate words).
        after: Index after the last one.
        is_clear: It is no other word. An unclear numeral counts only beside the other words of an answer.
    """

    value: Decimal | tuple[Decimal, Decimal]
    kind: NumberKind
    first: int
    after: int
    is_clear: bool = True


class Token(NamedTuple):
    """A word of the normal form, or several, and their numerals; none for a word that is no numeral."""

    numerals: tuple[Numeral, ...]
    first: int
    after: int


def longest_number(tokens: Sequence[Token], given: NumberWords, is_apart: Callable[[Token, Token], bool]) -> FoundNumber | None:
    """Return the longest number that begins with the first token."""
    reading, used, after = Reading((), False, ""), 0, 0
    first: Numeral | None = None
    kinds: set[Kind] = set()
    for index, token in enumerate(tokens):
        if not token.numerals or (index and is_apart(tokens[index - 1], token)):
            break
        longer = with_numerals(reading.parts, reading.is_ordinal, token.numerals, given, reading.joiner)
        if longer is None:
            break
        if longer.parts != reading.parts:
            numerals = [numeral for numeral in token.numerals if numeral.kind not in ("joiner", "linker", "point")]
            first, used, after = first or numerals[0], used + len(numerals), token.after
            kinds.update(numeral.kind for numeral in numerals)
        elif not used:
            return None
        reading = longer
    if first is None or (used == 1 and not first.stands_alone):
        # Thousands alone are no number.
        return None
    kind: NumberKind = "ordinal" if "ordinal" in kinds else "digits" if kinds == {"digits"} else "cardinal"
    return FoundNumber(total(reading.parts), kind, tokens[0].first, after)


@cache
def word_set(words: tuple[str, ...], lang: str) -> frozenset[str]:
    """Return the normalised words of a list."""
    return frozenset(part for word in words for part in normalise(word, lang, only_leading_articles=True).split())
