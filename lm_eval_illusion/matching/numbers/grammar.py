"""The grammar of numbers in words: how numerals add up to a value.

All languages share it. A number is a sum of parts, each smaller than what the part before it leaves open: forty leaves the ones open,
hundred the tens and ones. A multiplier multiplies the parts before it that are smaller. What differs between languages stands in
[numbers.words].
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Literal, NamedTuple

from lm_eval_illusion.languages.record import NumberWords

Kind = Literal["cardinal", "multiplier", "ordinal", "digits", "joiner", "half", "plus_ten", "linker", "point"]


Joiner = Literal["", "and", "point"]


class Numeral(NamedTuple):
    """A part of a number.

    Attributes:
        kind: What it does within a number.
        value: Its value; 0 for a joiner, and one half for a half.
        stands_alone: It needs no other numeral: thousand, but not thousands.
    """

    kind: Kind
    value: Decimal
    stands_alone: bool = True


class Part(NamedTuple):
    """A summand of a number.

    Attributes:
        value: Its value.
        open_below: The next summand must be smaller.
        is_open_multiplier: It is a multiplier whose factor may follow.
        times_ones: What ones behind a joiner are multiplied by, where a multiplier stands before its factor; 0 elsewhere.
        is_decimal: It stands behind the decimal mark.
    """

    value: Decimal
    open_below: Decimal
    is_open_multiplier: bool = False
    times_ones: Decimal = Decimal(0)
    is_decimal: bool = False


JOINER = Numeral("joiner", Decimal(0))
POINT = Numeral("point", Decimal(0))
LINKER = Numeral("linker", Decimal(0))
HALF = Numeral("half", Decimal("0.5"))
_ONE = Decimal(1)


class Reading(NamedTuple):
    """A number that has been read up to some word.

    Attributes:
        parts: Its summands.
        is_ordinal: It is an ordinal.
        joiner: What stands at its end: a word for "and", or for the decimal mark.
    """

    parts: tuple[Part, ...]
    is_ordinal: bool
    joiner: Joiner


def with_numerals(
    parts: tuple[Part, ...], is_ordinal: bool, numerals: Sequence[Numeral], given: NumberWords, joiner: Joiner = ""
) -> Reading | None:
    """Return a number with the numerals of one more word; None if they do not belong to it.

    Args:
        parts: The parts so far.
        is_ordinal: One of them is an ordinal.
        numerals: The numerals of the word.
        given: The numerals of the language.
        joiner: What stands before them: a word for "and", or for the decimal mark.
    """
    for numeral in numerals:
        if numeral.kind == "linker":
            continue
        # One hundred zero five: the zero only fills a place.
        if numeral.kind in ("joiner", "point") or (
            parts and numeral.value == 0 and not (joiner == "point" or parts[-1].is_decimal)
        ):
            joiner = "point" if numeral.kind == "point" else "and"
            continue
        # The ordinal of one part may be enough: the first and twentieth, the eighth-ten, the second-ten-one.
        fits = (
            not is_ordinal or numeral.kind in ("ordinal", "plus_ten") or (joiner and given.ones_first) or given.ordinal_before
        )
        if joiner == "point" and parts:
            parts, joiner = (*parts, Part(Decimal(0), Decimal("0.1"), is_decimal=True)), ""
        longer = extended(parts, numeral, joiner == "and", given) if fits else None
        if longer is None:
            return None
        parts, joiner, is_ordinal = longer, "", is_ordinal or numeral.kind == "ordinal"
    return Reading(parts, is_ordinal, joiner)


def extended(parts: tuple[Part, ...], numeral: Numeral, joined: bool, given: NumberWords) -> tuple[Part, ...] | None:
    """Return the parts of a number with one more numeral, or None: the numeral does not belong to this number.

    Args:
        parts: The parts so far, none at the beginning.
        numeral: A cardinal, a multiplier, an ordinal, digits or a half.
        joined: A word for "and" stands before it.
        given: The numerals of the language.
    """
    value = numeral.value
    if numeral.kind == "half":
        return _with_half(parts) if parts else None
    if numeral.kind == "plus_ten":
        if parts and 1 <= parts[-1].value <= 9 and not joined:
            return (*parts[:-1], Part(parts[-1].value + value, _ONE))
        if not numeral.stands_alone:
            return None
    is_multiplier = numeral.kind == "multiplier" or (numeral.kind == "ordinal" and _is_multiplier(value, given))
    if not parts:
        return (Part(value, value if is_multiplier else _open_below(value, given), is_multiplier),)
    last = parts[-1]
    if is_multiplier:
        if given.multiplier_first and last.is_open_multiplier and not joined and value < last.value:
            return (*parts[:-1], Part(last.value * value, last.open_below, is_open_multiplier=True))
        return _multiplied(parts, value, joined)
    if last.is_decimal:
        return _with_decimal(parts, numeral)
    if numeral.kind == "digits":
        if given.multiplier_first and last.is_open_multiplier and not joined:
            return (*parts[:-1], Part(last.value * value, last.open_below))
        is_next = last.open_below >= 1000 and not joined and 0 <= value < last.open_below and value == value.to_integral_value()
        return (*parts, Part(value, _ONE)) if is_next else None
    if given.multiplier_first and last.is_open_multiplier and not joined:
        times_ones = last.value if value % 10 == 0 and value < 100 else Decimal(0)
        return (*parts[:-1], Part(last.value * value, last.open_below, times_ones=times_ones))
    if joined and value < 10 and last.times_ones:
        return (*parts[:-1], Part(last.value + last.times_ones * value, last.open_below))
    if 0 < value < last.open_below:
        return (*parts, Part(value, _open_below(value, given)))
    if given.ones_first and joined and 20 <= value <= 90 and 1 <= last.value <= 9:
        return (*parts, Part(value, _ONE))
    if last.value in given.teens_after and 10 <= value <= 19:
        return (*parts, Part(value, _ONE))
    if given.pairs and len(parts) == 1 and 11 <= last.value <= 20 and 10 <= value <= 99 and not joined:
        return (Part(last.value * 100, Decimal(100)), Part(value, _open_below(value, given)))
    return None


def total(parts: tuple[Part, ...]) -> Decimal:
    """Return the value of a number."""
    return sum((part.value for part in parts), Decimal(0))


def _multiplied(parts: tuple[Part, ...], multiplier: Decimal, joined: bool) -> tuple[Part, ...] | None:
    first = len(parts)
    while first and parts[first - 1].value < multiplier and not joined:
        first -= 1
    factor = total(parts[first:]) or _ONE
    value, before = factor * multiplier, parts[:first]
    # 24 digits are enough for every number that has a name; more would be rounded.
    if value >= Decimal(10) ** 24 or (before and value >= before[-1].open_below):
        return None
    return (*before, Part(value, multiplier, first == len(parts)))


def _with_decimal(parts: tuple[Part, ...], numeral: Numeral) -> tuple[Part, ...] | None:
    """Return the parts with a digit behind the decimal mark, or with two digits read as one number: point one four, point fourteen."""
    place, value = parts[-1].open_below, numeral.value
    if numeral.kind != "cardinal" or not 0 <= value <= 99 or value != value.to_integral_value() or place < Decimal("1e-9"):
        return None
    if value >= 10:
        place /= 10
    return (*parts, Part(value * place, place / 10, is_decimal=True))


def _with_half(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    last = parts[-1]
    unit = last.open_below if last.open_below >= 100 else _ONE
    return (*parts, Part(unit / 2, Decimal(0)))


def _open_below(value: Decimal, given: NumberWords) -> Decimal:
    """Return what the next part must be smaller than: 100 after 300, 10 after 20, nothing fits after 7."""
    for unit in (10**9, 10**6, 1000, 100):
        if value >= unit and value % unit == 0:
            return Decimal(unit)
    if value % 10 == 0 and (value >= 20 or (value == 10 and given.open_ten)):
        return Decimal(10)
    return _ONE


@lru_cache(maxsize=10_000)
def _is_multiplier_value(value: Decimal, values: tuple[str, ...]) -> bool:
    return str(value) in values


def _is_multiplier(value: Decimal, given: NumberWords) -> bool:
    return _is_multiplier_value(value, tuple(given.multipliers))
