"""A date in the forms that a language writes it in, as CLDR has them."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from functools import cache, lru_cache
from typing import Any

from lm_eval_illusion.normalising import normalise

# Any date whose parts can be told from one another: what else stands in its forms are the language's filling words.
_SAMPLE = date(2004, 12, 25)
# In any order of the parts, with every name of the month.
_ORDERS = {
    "ymd": ("{d} {month} {y}", "{month} {d} {y}", "{y} {month} {d}"),
    "ym": ("{month} {y}", "{y} {month}"),
    "md": ("{d} {month}", "{month} {d}"),
}
_NUMERIC = {"ymd": ("{y}-{m:02}-{d:02}",), "ym": ("{y}-{m:02}",), "md": ()}
_SKELETONS = {"ymd": ("yMMMMd", "yMMMd", "yMd"), "ym": ("yMMMM", "yMMM"), "md": ("MMMMd", "MMMd")}
# Forms in everyday use that CLDR lacks.
_MORE: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {"ymd": ("{d} of {month} {y}",), "md": ("{d} of {month}",), "ym": ()},
    "ja": {"ymd": ("{y}年{m}月{d}日",), "md": ("{m}月{d}日",), "ym": ("{y}年{m}月",)},
    "ko": {"ymd": ("{y}년 {m}월 {d}일",), "md": ("{m}월 {d}일",), "ym": ("{y}년 {m}월",)},
    "vi": {"ymd": ("ngày {d} tháng {m} năm {y}",), "md": ("ngày {d} tháng {m}",), "ym": ("tháng {m} năm {y}",)},
    "zh": {"ymd": ("{y}年{m}月{d}日", "{y}年{m}月{d}号"), "md": ("{m}月{d}日", "{m}月{d}号"), "ym": ("{y}年{m}月",)},
}
# After the year alone. CLDR has them only within longer forms.
_YEAR_WORDS = {"ja": ("年",), "ko": ("년",), "ru": ("год", "г"), "th": ("ปี", "ค ศ"), "vi": ("năm",), "zh": ("年",)}


@lru_cache(maxsize=10_000)
def date_forms(text: str, lang: str) -> tuple[str, ...]:
    """Other ways to write the date that `text` is in this language, normalised; none if it is no date.

    A date is a year, month and day, or two of them, the month by name ("12 March 2004", "2004年3月12日"); or a year with the word for it.
    """
    found = _parts(normalise(text, lang), lang)
    if found is None:
        return ()
    year, month, day = found
    if month is None:
        return (str(year),)
    kind = ("y" if year else "") + "m" + ("d" if day else "")
    # 2004 is a leap year: 29 February without a year has a form.
    return tuple(sorted(_formatted(date(year or 2004, month, day or 1), kind, lang)))


def _parts(normalised: str, lang: str) -> tuple[int | None, int | None, int | None] | None:
    """Year, month, day of a text that says a date and nothing else."""
    months, fillers = _words(lang)
    padded = f" {normalised} "
    named = max((name for name in months if f" {name} " in padded), key=len, default=None)
    rest = (padded.replace(f" {named} ", "  ", 1) if named else padded).split()
    numbers = [int(word) for word in rest if word.isascii() and word.isdigit()]
    years = [number for number in numbers if 100 <= number <= 9999]
    days = [number for number in numbers if 1 <= number <= 31]
    others = {word for word in rest if not word.isdigit()}
    if len(years) > 1 or len(days) > 1 or len(years) + len(days) != len(numbers) or not numbers:
        return None
    if named is None:
        is_year = bool(years and not days and others and others <= set(_YEAR_WORDS.get(lang, ())))
        return (years[0], None, None) if is_year else None
    if not others <= fillers:
        return None
    year, month, day = next(iter(years), None), months[named], next(iter(days), None)
    return (year, month, day) if _exists(year, month, day) else None


def _exists(year: int | None, month: int, day: int | None) -> bool:
    try:
        date(year or 2004, month, day or 1)
    except ValueError:
        return False
    return True


@cache
def _words(lang: str) -> tuple[dict[str, int], set[str]]:
    """The names of the months, normalised, and the words that stand in a date beside its parts."""
    months = {normalise(name, lang): number for number, names in _month_names(lang).items() for name in names}
    said = {word for kind in _ORDERS for form in _formatted(_SAMPLE, kind, lang) for word in form.split()}
    return months, {word for word in said if not word.isdigit()} - set(months)


def _formatted(day: date, kind: str, lang: str) -> set[str]:
    from babel import Locale
    from babel.dates import format_date, format_skeleton

    locale = Locale.parse(lang)
    parts = {"y": day.year, "m": day.month, "d": day.day}
    more = _MORE.get(lang, {}).get(kind, ())
    forms = [form.format(**parts, month=name) for form in (*_ORDERS[kind], *more) for name in _month_names(lang)[day.month]]
    forms += [form.format(**parts) for form in _NUMERIC[kind]]
    if kind == "ymd":
        forms += [format_date(day, length, locale) for length in ("short", "medium", "long")]
    # CLDR has no skeleton of every kind in every language.
    forms += [format_skeleton(name, day, locale=locale) for name in _SKELETONS[kind] if name in locale.datetime_skeletons]
    return {normalise(form, lang) for form in forms}


@cache
def _month_names(lang: str) -> dict[int, set[str]]:
    """The names of each month, long and short, within a date and alone."""
    from babel.localedata import LocaleDataDict, load

    # A copy: Babel writes what it looks up into tables that languages share, and gives the next one Chinese (its issue 1234).
    months: Any = LocaleDataDict(deepcopy(load(lang)))["months"]
    tables = [months[context][width] for context in ("format", "stand-alone") for width in ("abbreviated", "wide")]
    return {number: {table[number] for table in tables} for number in range(1, 13)}
