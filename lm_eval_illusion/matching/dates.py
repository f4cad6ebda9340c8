"""Dates: every form that a language has for a year, month and day, from CLDR and from the language's [dates]."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cache, lru_cache
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.languages.record import DateForms, Era
from lm_eval_illusion.matching.cldr import cldr, locale_of
from lm_eval_illusion.matching.normalize import normalise

# A date whose numbers differ from each other: all other words of its forms are the filler words of the language.
_SAMPLE = date(2004, 12, 25)
_LEAP_YEAR = 2004
"""Stands for an unknown year: 29 February exists then."""
# The forms of each kind of date ("ymd": year, month and day). First: in any order of the parts, with every name of the month.
_ORDERS = {
    "ymd": ("{d} {month} {y}", "{month} {d} {y}", "{y} {month} {d}"),
    "ym": ("{month} {y}", "{y} {month}"),
    "md": ("{d} {month}", "{month} {d}"),
}
_NUMERIC = {"ymd": ("{y}-{m:02}-{d:02}",), "ym": ("{y}-{m:02}",), "md": ()}
_SKELETONS = {"ymd": ("yMMMMd", "yMMMd", "yMd"), "ym": ("yMMMM", "yMMM"), "md": ("MMMMd", "MMMd")}
# Only in these years two digits are enough: 3/12/04 is not in 1804.
_SHORT_YEARS = range(1950, 2050)
# A bare year of the common era that may also be written in the second era of a language.
_COMMON_YEARS = range(1000, 2101)


class _DateParts(NamedTuple):
    year: int | None
    month: int | None
    day: int | None


@cache
def month_names(lang: str) -> dict[int, set[str]]:
    """Return the names of each month (1-12): long and short, within a date and alone, with the case endings of the language.

    Raises:
        UserError: CLDR does not know the language.
    """
    months, dates = cldr(lang)["months"], language(lang).dates
    tables = [months[context][width] for context in ("format", "stand-alone") for width in ("abbreviated", "wide")]
    wide = months["stand-alone"]["wide"]
    return {
        number: {table[number] for table in tables}
        | set(dates.month_names.get(number, ()))
        | {wide[number] + ending for ending in dates.month_endings}
        for number in range(1, 13)
    }


@lru_cache(maxsize=50_000)
def date_forms(text: str, lang: str) -> tuple[str, ...]:
    """Return every form of a date in this language, normalised; empty if `text` is not a date.

    A date is a year, month and day or two of them with the month by name ("12 March 2004", "2004年3月12日"), or 2004-03-12, or a year
    beside the word for "year".

    Raises:
        UserError: CLDR does not know the language.
    """
    normalised = normalise(text, lang)
    parts = _parse(normalised, lang)
    if parts is None:
        return ()
    year, month, day = parts
    if month is None:
        return _year_forms(year or 0, normalised, lang)
    kind = ("y" if year else "") + "m" + ("d" if day else "")
    return tuple(sorted(_forms(date(year or _LEAP_YEAR, month, day or 1), kind, lang)))


def _year_forms(year: int, normalised: str, lang: str) -> tuple[str, ...]:
    era = language(lang).dates.second_era
    if era is None:
        return (str(year),)
    name, year_of_era = normalise(era.name, lang), str(year + era.offset)
    return str(year), f"{name} {year_of_era}", *([year_of_era] if name in normalised else [])


def _parse(normalised: str, lang: str) -> _DateParts | None:
    """Return the parts of a text that is a date and nothing else."""
    if iso := re.fullmatch(r"(\d{4}) – (\d\d) – (\d\d)", normalised):
        return _if_exists(*map(int, iso.groups()))
    months, fillers = _date_words(lang)
    padded = f" {normalised} "
    name = max((name for name in months if f" {name} " in padded), key=len, default=None)
    rest = (padded.replace(f" {name} ", "  ", 1) if name else padded).split()
    other_words = {word for word in rest if not word.isdecimal()}
    numbers = _year_and_day([word for word in rest if word.isdecimal()])
    if numbers is None or not other_words <= (fillers if name else _year_words(lang)):
        return None
    year, day = numbers
    era = language(lang).dates.second_era
    if era is not None and (name or normalise(era.name, lang) in normalised):
        # A number alone may be a count; within a date it is a year.
        year = _in_common_era(year, era)
    if name:
        return _if_exists(year, months[name], day)
    # A bare number is a date only where it has another form, that of the second era.
    is_year = bool(other_words) or (era is not None and year in _COMMON_YEARS)
    return _DateParts(year, None, None) if year and not day and is_year else None


def _in_common_era(year: int | None, era: Era) -> int | None:
    return year - era.offset if year and era.first_year <= year <= era.last_year else year


def _year_and_day(numbers: list[str]) -> tuple[int | None, int | None] | None:
    """Return the year and the day among the numbers of a text: one or both, and no other number."""
    years = [int(number) for number in numbers if 3 <= len(number) <= 4 and int(number) >= 100]
    days = [int(number) for number in numbers if len(number) <= 2 and 1 <= int(number) <= 31]
    if not numbers or len(years) > 1 or len(days) > 1 or len(years) + len(days) != len(numbers):
        return None
    return next(iter(years), None), next(iter(days), None)


def _if_exists(year: int | None, month: int, day: int | None) -> _DateParts | None:
    try:
        date(year or _LEAP_YEAR, month, day or 1)
    except ValueError:
        return None
    return _DateParts(year, month, day)


@cache
def _year_words(lang: str) -> frozenset[str]:
    return frozenset(part for word in language(lang).dates.year_words for part in normalise(word, lang).split())


@cache
def _date_words(lang: str) -> tuple[dict[str, int], set[str]]:
    """Return the normalised names of the months, and the other words that occur in dates."""
    months = {normalise(name, lang): number for number, names in month_names(lang).items() for name in names}
    words = {word for kind in _ORDERS for form in _forms(_SAMPLE, kind, lang) for word in form.split()} | _year_words(lang)
    return months, {word for word in words if not word.isdecimal()} - set(months)


def _forms(day: date, kind: str, lang: str) -> set[str]:
    forms = set(_written_forms(day, kind, lang))
    # 12/3/2004, 12-3-2004 and 12/03/2004. Numbers without a year are a score or a range.
    if kind == "ymd":
        forms |= {re.sub(r"(?<=\d)[./](?=\d)", "-", form) for form in forms}
    # A year of two digits keeps its zero.
    in_full = [form for form in forms if kind == "md" or str(day.year) in form]
    forms |= {re.sub(r"(?<!\d)(\d)(?!\d)", r"0\1", form) for form in in_full}
    forms |= {re.sub(r"(?<!\d)0(\d)(?!\d)", r"\1", form) for form in in_full}
    return {normalise(form, lang) for form in forms}


def _written_forms(day: date, kind: str, lang: str) -> Iterator[str]:
    """Yield the forms of the tables above, of the language's [dates.forms] and of CLDR."""
    from babel.dates import format_date, format_skeleton

    dates = language(lang).dates
    for pattern in (*_ORDERS[kind], *_more_forms(dates.forms, kind)):
        if not (dates.year_last and pattern.startswith("{y}")):
            for name in month_names(lang)[day.month]:
                years = _written_years(day.year, dates.second_era)
                yield from (pattern.format(y=year, m=day.month, d=day.day, month=name) for year in years)
    yield from (pattern.format(y=day.year, m=day.month, d=day.day) for pattern in _NUMERIC[kind])
    locale = locale_of(lang)
    if kind == "ymd":
        lengths = ("short", "medium", "long") if day.year in _SHORT_YEARS else ("medium", "long")
        yield from (format_date(day, length, locale) for length in lengths)
    # CLDR does not have every skeleton in every language.
    yield from (format_skeleton(name, day, locale=locale) for name in _SKELETONS[kind] if name in locale.datetime_skeletons)


def _more_forms(forms: DateForms, kind: str) -> tuple[str, ...]:
    return {"ymd": forms.full, "ym": forms.year_and_month, "md": forms.month_and_day}[kind]


def _written_years(year: int, era: Era | None) -> tuple[str, ...]:
    if era is None:
        return (str(year),)
    return str(year), f"{era.common_name} {year}", str(year + era.offset), f"{era.name} {year + era.offset}"
