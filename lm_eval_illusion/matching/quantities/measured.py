"""Quantities: a number with a unit, a currency or a percent sign, read in a text in any notation of the language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import cache, lru_cache
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.numbers.tokens import Phrases, Tokens, WrittenNumber, phrase_table, tokens_of, words_of
from lm_eval_illusion.matching.quantities.currency import currency_phrases
from lm_eval_illusion.matching.quantities.percent import percent_phrases
from lm_eval_illusion.matching.quantities.units import MEASURES, Measure, dual_words, narrow_phrases, unit_phrases
from lm_eval_illusion.matching.text.punctuation import RANGE
from lm_eval_illusion.matching.words.inflection import is_form

_Words = tuple[str, ...]
# The symbols of ampere, degree Celsius and others are capitals: 5 a is no current.
_CAPITALS = {
    symbol.strip("°").lower(): name
    for name, measure in MEASURES.items()
    for symbol in measure.symbols
    if re.fullmatch("°?[A-Z]", symbol)
}


class Quantity(NamedTuple):
    """A number with a unit.

    Attributes:
        value: The number.
        units: Names of units in CLDR, and codes of currencies: all that the words can mean. "pound" is a weight and a currency.
    """

    value: Decimal
    units: frozenset[str]


class FoundQuantity(NamedTuple):
    """A quantity in a text, and the indices of its first token and behind its last one."""

    quantity: Quantity
    first: int
    after: int


class _UnitWords(NamedTuple):
    """The words before and behind a number that make it a quantity -> the units, and the most words on each side."""

    units: dict[tuple[_Words, _Words], frozenset[str]]
    most_before: int
    most_after: int


@lru_cache(maxsize=1_000)
def quantity_of(text: str, lang: str) -> Quantity | None:
    """Return the quantity that a text is; None if it is none, or says more.

    Raises:
        UserError: CLDR does not know the language.
    """
    tokens = tokens_of(text, lang)
    whole = (found.quantity for found in find_quantities(tokens, None) if found.first == 0 and found.after == len(tokens.words))
    return next(whole, None)


def find_quantities(tokens: Tokens, answer: Quantity | None) -> Iterator[FoundQuantity]:
    """Yield the quantities of a text.

    Args:
        tokens: The text.
        answer: If given, inflected words of its units are found, too, where there is no other unit.
    """
    for first, after in tokens.ranges:
        in_range = _within(tokens, first, after)
        if in_range is not None:
            yield in_range
    yield from _duals(tokens)
    for index, number in tokens.numbers.items():
        if index >= 2 and tokens.words[index - 1] == RANGE and index - 2 in tokens.numbers:
            continue
        found = _written_at(tokens, index, number) or _within(tokens, index, number.after)
        if found is None and answer:
            found = _inflected_at(tokens, index, number, answer)
        if found is not None and not _is_divided(tokens, found.after):
            yield found


def same_quantity(found: Quantity, answer: Quantity) -> bool:
    """Return whether two quantities are the same: one unit and one value, or the same multiple of a base unit (1 km is 1000 m)."""
    if found.value == answer.value and found.units & answer.units:
        return True
    return any(
        one.base == other.base and found.value * one.factor == answer.value * other.factor
        for one in _measures_of(found.units)
        for other in _measures_of(answer.units)
    )


def is_only_number(text: str, answer: Quantity, lang: str) -> bool:
    """Return whether a text is the number of an answer and nothing else: 18 is enough where the answer is 18 %."""
    tokens = tokens_of(text, lang)
    number = tokens.numbers.get(0)
    return number is not None and number.after == len(tokens.words) and number.value == answer.value


def _duals(tokens: Tokens) -> Iterator[FoundQuantity]:
    """Yield the quantities that are one word for two of a unit and have no number before them."""
    lang, words = tokens.line.lang, tokens.words
    if not language(lang).units.duals or not words:
        return
    for index in range(len(words)):
        found = _dual_words(lang).at(words, index)
        if found is not None and index - 1 not in tokens.numbers and words[found[1] : found[1] + 1] not in _halves(lang):
            yield FoundQuantity(Quantity(Decimal(2), frozenset({found[0]})), index, found[1])


@cache
def _halves(lang: str) -> frozenset[_Words]:
    return frozenset(words_of(word, lang)[:1] for word in language(lang).numbers.words.halves)


@cache
def _dual_words(lang: str) -> Phrases[str]:
    return phrase_table(dual_words(lang), lang)


def _measures_of(units: Iterable[str]) -> list[Measure]:
    return [MEASURES[unit] for unit in units if unit in MEASURES]


def _written_at(tokens: Tokens, index: int, number: WrittenNumber) -> FoundQuantity | None:
    """Return the quantity of a number with the most words of a unit around it."""
    table, words = unit_words(tokens.line.lang), tokens.words
    best: FoundQuantity | None = None
    for count_before in range(min(table.most_before, index) + 1):
        before = words[index - count_before : index]
        for count_after in range(min(table.most_after, len(words) - number.after) + 1):
            behind = words[number.after : number.after + count_after]
            for last in _without_particle(behind, tokens.line.lang):
                units = table.units.get((before, last))
                if units and count_after == 1 and last[0] in _CAPITALS and not _is_capital(tokens, number.after):
                    units -= {_CAPITALS[last[0]]}
                if units and (best is None or count_before + count_after >= best.after - best.first - (number.after - index)):
                    best = FoundQuantity(Quantity(number.value, units), index - count_before, number.after + count_after)
    return best


def _within(tokens: Tokens, first: int, after: int) -> FoundQuantity | None:
    """Return the quantity whose unit is the first or the last word of a number: "in the hundred" is percent, and hundred a numeral."""
    if after - first < 2:
        return None
    for start, number in ((first, tokens.number_within(first, after - 1)), (first + 1, tokens.number_within(first + 1, after))):
        found = _written_at(tokens, start, number) if number is not None else None
        if found is not None:
            return found
    return None


def _is_capital(tokens: Tokens, index: int) -> bool:
    start, end = tokens.span(index, index + 1)
    return tokens.line.text[start:end].isupper()


def _without_particle(words: _Words, lang: str) -> Iterator[_Words]:
    """Yield the words, and the words without each particle that may be attached to the last one."""
    yield words
    if words:
        for particle in language(lang).words.particles:
            if words[-1].endswith(particle):
                yield (*words[:-1], words[-1].removesuffix(particle))


def _inflected_at(tokens: Tokens, index: int, number: WrittenNumber, answer: Quantity) -> FoundQuantity | None:
    """Return the quantity whose unit is that of the answer in another grammatical form."""
    for phrase in _phrases_of(answer.units, tokens.line.lang):
        after = number.after + len(phrase)
        behind = tokens.words[number.after : after]
        if len(behind) == len(phrase) and all(
            is_form(one, other, tokens.line.lang) for one, other in zip(phrase, behind, strict=True)
        ):
            return FoundQuantity(Quantity(number.value, answer.units), index, after)
    return None


def _is_divided(tokens: Tokens, after: int) -> bool:
    """Return whether another unit follows a slash: 3 kg in "3 kg/m³"."""
    if after >= len(tokens.words):
        return False
    end = tokens.span(after - 1, after)[1]
    return tokens.line.text[end : end + 1] == "/"


@lru_cache(maxsize=1_000)
def _phrases_of(units: frozenset[str], lang: str) -> tuple[_Words, ...]:
    """Return the words behind the number in all phrases of some units."""
    return tuple(after for (before, after), found in unit_words(lang).units.items() if not before and after and found & units)


@cache
def unit_words(lang: str) -> _UnitWords:
    """Return the words that make quantities of numbers in a language.

    Raises:
        UserError: CLDR does not know the language.
    """
    found: dict[tuple[_Words, _Words], set[str]] = {}
    for phrase, name in (*percent_phrases(lang), *unit_phrases(lang), *currency_phrases(lang)):
        sides = _sides(phrase, lang)
        if any(sides):
            found.setdefault(sides, set()).add(name)
    for phrase, name in narrow_phrases(lang):
        sides = _sides(phrase, lang)
        if any(sides) and sides not in found:
            found[sides] = {name}
    units = {sides: frozenset(names) for sides, names in found.items()}
    return _UnitWords(units, max(len(before) for before, _ in units), max(len(after) for _, after in units))


def _sides(phrase: str, lang: str) -> tuple[_Words, _Words]:
    """Return the normalised words before and behind the number of a phrase."""
    words: Sequence[str] = words_of(phrase.replace("{0}", " 7 "), lang)
    # A digit of the phrase may be an exponent: m². The number is the first 7.
    at = words.index("7") if "7" in words else len(words)
    return tuple(words[:at]), tuple(words[at + 1 :])
