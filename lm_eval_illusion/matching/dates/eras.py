"""Years and the era or calendar that they are counted in: 44 BC, Shōwa 39, the Buddhist year 2475."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.dates.date_words import GREGORIAN, christian_eras, date_words
from lm_eval_illusion.matching.dates.parts import DatePart, neighbour, read_parts
from lm_eval_illusion.matching.numbers.tokens import Tokens, tokens_of

_SHORT_YEARS = range(1950, 2050)
"""Only in these years two digits are enough: 3/12/04 is not in 1804."""
_ERAS = ("era", "christ")
"""The kinds of parts that are names of eras."""


@lru_cache(maxsize=1_000)
def parts_of(tokens: Tokens) -> tuple[DatePart, ...]:
    """Return the parts of the dates of a text; a number beside the name of an era is a year of the common era."""
    return tuple(_with_eras(read_parts(tokens), tokens))


def _with_eras(parts: Sequence[DatePart], tokens: Tokens) -> list[DatePart]:
    """Return the parts with each number beside the name of an era as a year of the common era, and these names as fillers."""
    result = list(parts)
    for index, part in enumerate(parts):
        if part.kind != "number":
            continue
        before = neighbour(result, index, -1, _ERAS)
        # An era counts for one number: in "44 BC 31 BC", the first is that of 44.
        at = before if before is not None else neighbour(result, index, 1, _ERAS)
        if at is None:
            continue
        era = result[at]
        if era.kind == "era" and at > index:
            continue
        # One letter beside a small number is a unit: 5 m.
        if (
            era.kind == "christ"
            and not era.value
            and part.value < 100
            and len(tokens.words[era.first]) == 1 == era.after - era.first
        ):
            continue
        value = part.value + era.value if era.kind == "era" else -part.value if era.value else part.value
        result[at] = era._replace(kind="filler")
        result[index] = part._replace(
            value=value, is_year=True, first=min(part.first, era.first), after=max(part.after, era.after)
        )
    return [part._replace(kind="filler") if part.kind in _ERAS else part for part in result]


def year_of(part: DatePart, lang: str) -> int:
    """Return the year of the common era that a number within a date is: a great number is one of the second era even without its name."""
    if part.is_year:
        return part.value
    if part.digits == 2:
        return _in_full(part.value)
    era = language(lang).dates.second_era
    return part.value - era.offset if era is not None and era.first_year <= part.value <= era.last_year else part.value


def _in_full(year: int) -> int:
    """Return the year that two digits stand for."""
    return next(full for full in (1900 + year, 2000 + year) if full in _SHORT_YEARS)


def calendar_of(year: int | None, lang: str) -> int:
    """Return the calendar of a date in digits, by its year."""
    calendars = enumerate(language(lang).dates.calendars, GREGORIAN + 1)
    return next((n for n, entry in calendars if year is not None and entry.first_year <= year <= entry.last_year), GREGORIAN)


def is_before_christ(text: str, start: int, end: int, lang: str) -> bool:
    """Return whether the number at a place in a line is a year before the common era: 476 in "476 BC"."""
    tokens = tokens_of(text, lang)
    if not date_words(lang).before_christ.may_be_in(tokens.words):
        return False
    years = (part for part in parts_of(tokens) if part.kind == "number" and part.is_year and part.value < 0)
    return any(first <= start and end <= after for first, after in (tokens.span(year.first, year.after) for year in years))


@lru_cache(maxsize=50_000)
def with_other_era_names(answer: str, lang: str) -> tuple[str, ...]:
    """Return an answer that ends with the name of an era, as "5th century BC", once with each name of that era."""
    tokens, eras = tokens_of(answer, lang), date_words(lang).before_christ
    if not eras.may_be_in(tokens.words):
        return ()
    for index in range(1, len(tokens.words)):
        found = eras.at(tokens.words, index)
        if found is not None and found[1] == len(tokens.words):
            rest = answer[: tokens.span(index, found[1])[0]]
            return tuple(rest + name for name, is_before in christian_eras(lang) if is_before == found[0])
    return ()
