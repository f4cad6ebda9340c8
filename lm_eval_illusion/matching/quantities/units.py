"""Units of measure: every way to write one in a language, from CLDR, the international symbols and the language's [units]."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.text.cldr import cldr

_KINDS = (
    "angle", "area", "digital", "duration", "electric", "energy", "force", "frequency", "length", "mass", "power", "pressure", "speed",
    "temperature", "volume",
)  # fmt: skip
# Their symbols are letters or words that mostly mean something else.
_LEFT_OUT = frozenset(
    "angle-radian angle-revolution duration-century duration-decade duration-night duration-quarter length-point mass-dalton "
    "mass-grain temperature-generic volume-dram volume-drop volume-pinch volume-jigger volume-cup volume-cup-metric".split()
)
_LETTER = re.compile(r"\{0\}\s*[A-Za-z]|[A-Za-z]\s*\{0\}")


class Measure(NamedTuple):
    """What a unit is a multiple of.

    Attributes:
        base: The unit in which it is measured.
        factor: How many of these it is.
        symbols: Its international symbols.
    """

    base: str
    factor: Decimal
    symbols: tuple[str, ...]


def _measures(base: str, *units: tuple[str, str, str]) -> dict[str, Measure]:
    return {name: Measure(base, Decimal(factor), tuple(symbols.split())) for name, factor, symbols in units}


MEASURES: dict[str, Measure] = {
    **_measures(
        "metre",
        ("length-kilometer", "1000", "km"),
        ("length-meter", "1", "m"),
        ("length-decimeter", "0.1", "dm"),
        ("length-centimeter", "0.01", "cm"),
        ("length-millimeter", "0.001", "mm"),
        ("length-micrometer", "0.000001", "µm"),
        ("length-nanometer", "0.000000001", "nm"),
    ),
    **_measures(
        "gram",
        ("mass-tonne", "1000000", "t"),
        ("mass-kilogram", "1000", "kg"),
        ("mass-gram", "1", "g"),
        ("mass-milligram", "0.001", "mg"),
        ("mass-microgram", "0.000001", "µg"),
    ),
    **_measures(
        "litre",
        ("volume-hectoliter", "100", "hl"),
        ("volume-liter", "1", "l"),
        ("volume-deciliter", "0.1", "dl"),
        ("volume-centiliter", "0.01", "cl"),
        ("volume-milliliter", "0.001", "ml"),
    ),
    **_measures(
        "watt", ("power-gigawatt", "1000000000", "GW"), ("power-megawatt", "1000000", "MW"), ("power-kilowatt", "1000", "kW")
    ),
    **_measures("hertz", ("frequency-gigahertz", "1000000000", "GHz"), ("frequency-megahertz", "1000000", "MHz")),
    **_measures("hertz", ("frequency-kilohertz", "1000", "kHz"), ("frequency-hertz", "1", "Hz")),
    **_measures("pascal", ("pressure-megapascal", "1000000", "MPa"), ("pressure-kilopascal", "1000", "kPa")),
    **_measures("pascal", ("pressure-hectopascal", "100", "hPa"), ("pressure-pascal", "1", "Pa")),
    **_measures("joule", ("energy-kilojoule", "1000", "kJ"), ("energy-joule", "1", "J")),
    **_measures("second", ("duration-second", "1", "s"), ("duration-millisecond", "0.001", "ms")),
    **_measures("square metre", ("area-square-meter", "1", "m²")),
    **_measures("square kilometre", ("area-square-kilometer", "1", "km²")),
    **_measures("square centimetre", ("area-square-centimeter", "1", "cm²")),
    **_measures("hectare", ("area-hectare", "1", "ha")),
    **_measures("cubic metre", ("volume-cubic-meter", "1", "m³")),
    **_measures("cubic kilometre", ("volume-cubic-kilometer", "1", "km³")),
    **_measures("cubic centimetre", ("volume-cubic-centimeter", "1", "cm³")),
    **_measures("kilometre per hour", ("speed-kilometer-per-hour", "1", "km/h kmh")),
    **_measures("metre per second", ("speed-meter-per-second", "1", "m/s")),
    **_measures("degree Celsius", ("temperature-celsius", "1", "°C")),
    **_measures("degree Fahrenheit", ("temperature-fahrenheit", "1", "°F")),
    **_measures("kelvin", ("temperature-kelvin", "1", "K")),
    **_measures("hour", ("duration-hour", "1", "h")),
    **_measures("minute", ("duration-minute", "1", "min")),
    **_measures("volt", ("electric-volt", "1", "V")),
    **_measures("ampere", ("electric-ampere", "1", "A"), ("electric-milliampere", "0.001", "mA")),
    **_measures("ohm", ("electric-ohm", "1", "Ω")),
    **_measures("kilowatt-hour", ("energy-kilowatt-hour", "1", "kWh")),
    **_measures("newton", ("force-newton", "1", "N")),
    **_measures("byte", ("digital-gigabyte", "1000000000", "GB"), ("digital-megabyte", "1000000", "MB")),
}
"""Units with an international symbol. Units with the same base are compared by value: 1 km is 1000 m."""


def unit_phrases(lang: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to write a unit, each as (phrase, name of the unit in CLDR); {0} is the number.

    Raises:
        UserError: CLDR does not know the language.
    """
    given = language(lang).units
    phrases = [
        *((with_number(word), name) for name, words in given.words.items() for word in words),
        *((with_number(symbol), name) for name, measure in MEASURES.items() for symbol in measure.symbols),
    ]
    for locale in (lang, *given.locales):
        phrases += _cldr_phrases(locale, given.endings)
    return iter(phrases)


def narrow_phrases(lang: str) -> Iterator[tuple[str, str]]:
    """Yield the shortest ways to write a unit, which count only where no other unit is written so.

    One Latin letter is left out, unless it is an international symbol: 5 d may be anything.
    """
    yield from ((phrase, name) for phrase, name in _patterns(lang, "narrow") if not _LETTER.fullmatch(phrase))


def dual_words(lang: str) -> Iterator[tuple[str, str]]:
    """Yield the words that mean two of a unit without a number beside them, each as (word, name of the unit in CLDR)."""
    given = language(lang).units.duals
    yield from ((word, name) for name, words in given.items() for word in words)


def with_number(phrase: str) -> str:
    """Return a phrase with {0} for the number, which stands before a phrase that lacks it."""
    return phrase if "{0}" in phrase else f"{{0}} {phrase}"


def _cldr_phrases(locale: str, endings: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for phrase, name in _patterns(locale, "long"):
        yield phrase, name
        if phrase.endswith("}") or phrase.count(" ") != 1:
            continue
        yield from ((phrase + ending, name) for ending in endings)
    yield from _patterns(locale, "short")


def _patterns(locale: str, width: str) -> Iterator[tuple[str, str]]:
    for name, widths in cldr(locale, "unit_patterns").items():
        kind = name.partition("-")[0]
        if kind in _KINDS and name not in _LEFT_OUT and not name.endswith("-person"):
            forms = widths.get(width, {})
            yield from ((pattern, name) for form, pattern in forms.items() if form != "per" and "{0}" in pattern)
