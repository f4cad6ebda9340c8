"""A date in the forms that a language writes it in, as CLDR has them.

The names of the months.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cache, lru_cache

from lm_eval_illusion.matching.cldr import cldr, locale_of
from lm_eval_illusion.matching.normalize import normalise

# Bengali spells two of its months in two ways; CLDR has the older.
_OTHER_SPELLINGS = {"bn": {1: {"জানুয়ারি"}, 2: {"ফেব্রুয়ারি"}}}


@cache
def month_names(lang: str) -> dict[int, set[str]]:
    """The names of each month, long and short, within a date and alone."""
    months = cldr(lang)["months"]
    tables = [months[context][width] for context in ("format", "stand-alone") for width in ("abbreviated", "wide")]
    names = {number: {table[number] for table in tables} for number in range(1, 13)}
    for number, others in _OTHER_SPELLINGS.get(lang, {}).items():
        names[number] |= others
    if lang == "fi":
        # Finnish inflects them as no other language here does: in March, of March, from March, to March.
        wide = months["stand-alone"]["wide"]
        names = {number: names[number] | {wide[number] + ending for ending in ("n", "ssa", "sta", "hun")} for number in names}
    return names


# Any date whose parts can be told from one another: what else stands in its forms are the language's filling words.
_SAMPLE = date(2004, 12, 25)
# In any order of the parts, with every name of the month.
_ORDERS = {
    "ymd": ("{d} {month} {y}", "{month} {d} {y}", "{y} {month} {d}"),
    "ym": ("{month} {y}", "{y} {month}"),
    "md": ("{d} {month}", "{month} {d}"),
}
# "The 2003 march on Washington": where months are also words, they stand as the language orders them.
_YEAR_IS_LAST = frozenset(("en",))
_NUMERIC = {"ymd": ("{y}-{m:02}-{d:02}",), "ym": ("{y}-{m:02}",), "md": ()}
_SKELETONS = {"ymd": ("yMMMMd", "yMMMd", "yMd"), "ym": ("yMMMM", "yMMM"), "md": ("MMMMd", "MMMd")}
# Of these years alone two digits say which: 3/12/04 is not in 1804.
_SHORT_YEARS = range(1950, 2050)
# Forms in everyday use that CLDR lacks.
_MORE: dict[str, dict[str, tuple[str, ...]]] = {
    "bn": {"ymd": ("{d}শে {month} {y}", "{d}ই {month} {y}"), "md": ("{d}শে {month}", "{d}ই {month}"), "ym": ()},
    "en": {"ymd": ("{d} of {month} {y}",), "md": ("{d} of {month}",), "ym": ()},
    "fi": {"ymd": ("{month} {d}. päivänä {y}",), "md": ("{month} {d}. päivänä",), "ym": ()},
    "fr": {"ymd": ("{d}er {month} {y}",), "md": ("{d}er {month}",), "ym": ()},
    "ja": {"ymd": ("{y}年{m}月{d}日",), "md": ("{m}月{d}日",), "ym": ("{y}年{m}月",)},
    "ko": {"ymd": ("{y}년 {m}월 {d}일",), "md": ("{m}월 {d}일",), "ym": ("{y}년 {m}월",)},
    "vi": {
        "ymd": ("ngày {d} tháng {m} năm {y}",),
        "md": ("ngày {d} tháng {m}",),
        "ym": ("tháng {m} năm {y}", "tháng {m}/{y}", "{m}/{y}"),
    },
    "zh": {"ymd": ("{y}年{m}月{d}日", "{y}年{m}月{d}号"), "md": ("{m}月{d}日", "{m}月{d}号"), "ym": ("{y}年{m}月",)},
}
# Beside the year alone. CLDR has them only within longer forms.
_YEAR_WORDS: dict[str, tuple[str, ...]] = {
    "ar": ("عام", "سنه"),
    "bn": ("সাল", "সালে"),
    "es": ("año",),
    "fi": ("vuonna", "vuosi"),
    "hi": ("सन", "सन्"),
    "id": ("tahun",),
    "ja": ("年",),
    "ko": ("년",),
    "ro": ("anul",),
    "ru": ("год", "года", "году", "г"),
    "sw": ("mwaka",),
    "te": ("సంవత్సరం",),
    "th": ("ปี", "ค", "พ", "ศ"),
    "tr": ("yılı", "yılında"),
    "vi": ("năm",),
    "zh": ("年",),
}
# The Buddhist era of Thailand began 543 years before; a date with its number of the year needs no other sign of it.
_BUDDHIST, _BUDDHIST_YEARS, _COMMON_YEARS = 543, range(2200, 2700), range(1000, 2101)

_Parts = tuple["int | None", "int | None", "int | None"]


@lru_cache(maxsize=50_000)
def date_forms(text: str, lang: str) -> tuple[str, ...]:
    """Other ways to write the date that `text` is in this language, normalised; none if it is no date.

    A date is a year, month and day, or two of them, the month by name ("12 March 2004", "2004年3月12日"), or as 2004-03-12; or a year
    with the word for it.
    """
    found = _parts(normalise(text, lang), lang)
    if found is None:
        return ()
    year, month, day = found
    if month is None:
        return _year_forms(year or 0, lang, is_buddhist="พ ศ" in normalise(text, lang))
    kind = ("y" if year else "") + "m" + ("d" if day else "")
    # 2004 is a leap year: 29 February without a year has a form.
    return tuple(sorted(_formatted(date(year or 2004, month, day or 1), kind, lang)))


def _year_forms(year: int, lang: str, is_buddhist: bool) -> tuple[str, ...]:
    if lang != "th":
        return (str(year),)
    return str(year), f"พ ศ {year + _BUDDHIST}", *([str(year + _BUDDHIST)] if is_buddhist else [])


def _parts(normalised: str, lang: str) -> _Parts | None:
    """Year, month, day of a text that says a date and nothing else."""
    if iso := re.fullmatch(r"(\d{4}) – (\d\d) – (\d\d)", normalised):
        return _existing(*map(int, iso.groups()))
    months, fillers = _words(lang)
    padded = f" {normalised} "
    named = max((name for name in months if f" {name} " in padded), key=len, default=None)
    rest = (padded.replace(f" {named} ", "  ", 1) if named else padded).split()
    others = {word for word in rest if not word.isdecimal()}
    found = _year_and_day([word for word in rest if word.isdecimal()])
    if found is None or not others <= (fillers if named else set(_YEAR_WORDS.get(lang, ()))):
        return None
    year, day = _common_era(found[0], "พ ศ" in normalised or named is not None, lang), found[1]
    if named:
        return _existing(year, months[named], day)
    return (year, None, None) if year and not day and (others or _has_two_numbers(year, lang)) else None


def _common_era(year: int | None, is_dated: bool, lang: str) -> int | None:
    """The year of a date that is certainly one: a number alone may be a count."""
    return year - _BUDDHIST if year and lang == "th" and is_dated and year in _BUDDHIST_YEARS else year


def _has_two_numbers(year: int, lang: str) -> bool:
    """A Thai year has a form without a word beside it: that of the other era."""
    return lang == "th" and year in _COMMON_YEARS


def _year_and_day(numbers: list[str]) -> tuple[int | None, int | None] | None:
    """At least one of them and nothing else."""
    years = [int(number) for number in numbers if 3 <= len(number) <= 4 and int(number) >= 100]
    days = [int(number) for number in numbers if len(number) <= 2 and 1 <= int(number) <= 31]
    if not numbers or len(years) > 1 or len(days) > 1 or len(years) + len(days) != len(numbers):
        return None
    return next(iter(years), None), next(iter(days), None)


def _existing(year: int | None, month: int, day: int | None) -> _Parts | None:
    try:
        date(year or 2004, month, day or 1)
    except ValueError:
        return None
    return year, month, day


@cache
def _words(lang: str) -> tuple[dict[str, int], set[str]]:
    """The names of the months, normalised, and the words that stand in a date beside its parts."""
    months = {normalise(name, lang): number for number, names in month_names(lang).items() for name in names}
    said = {word for kind in _ORDERS for form in _formatted(_SAMPLE, kind, lang) for word in form.split()}
    said |= set(_YEAR_WORDS.get(lang, ()))
    return months, {word for word in said if not word.isdecimal()} - set(months)


def _formatted(day: date, kind: str, lang: str) -> set[str]:
    forms = set(_written(day, kind, lang))
    # 12/3/2004, 12-3-2004 and 12/03/2004. What has only numbers and no year is a score or a range.
    if kind == "ymd":
        forms |= {re.sub(r"(?<=\d)[./](?=\d)", "-", form) for form in forms}
    # In two digits of a year the zero stays.
    in_full = [form for form in forms if kind == "md" or str(day.year) in form]
    forms |= {re.sub(r"(?<!\d)(\d)(?!\d)", r"0\1", form) for form in in_full}
    forms |= {re.sub(r"(?<!\d)0(\d)(?!\d)", r"\1", form) for form in in_full}
    return {normalise(form, lang) for form in forms}


def _written(day: date, kind: str, lang: str) -> Iterator[str]:
    """The forms of the patterns above and of CLDR."""
    from babel.dates import format_date, format_skeleton

    patterns = (*_ORDERS[kind], *_MORE.get(lang, {}).get(kind, ()))
    for pattern in patterns:
        if not (lang in _YEAR_IS_LAST and pattern.startswith("{y}")):
            for name in month_names(lang)[day.month]:
                yield from (pattern.format(y=year, m=day.month, d=day.day, month=name) for year in _years(day, lang))
    yield from (pattern.format(y=day.year, m=day.month, d=day.day) for pattern in _NUMERIC[kind])
    locale = locale_of(lang)
    if kind == "ymd":
        lengths = ("short", "medium", "long") if day.year in _SHORT_YEARS else ("medium", "long")
        yield from (format_date(day, length, locale) for length in lengths)
    # CLDR has no skeleton of every kind in every language.
    yield from (format_skeleton(name, day, locale=locale) for name in _SKELETONS[kind] if name in locale.datetime_skeletons)


def _years(day: date, lang: str) -> tuple[str, ...]:
    if lang != "th":
        return (str(day.year),)
    return str(day.year), f"ค.ศ. {day.year}", str(day.year + _BUDDHIST), f"พ.ศ. {day.year + _BUDDHIST}"
