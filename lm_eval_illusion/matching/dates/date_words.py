"""The words of which dates consist in a language: months, eras, weekdays and what stands between the parts. From CLDR and [dates]."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.numbers.tokens import Phrases, phrase_table, words_of
from lm_eval_illusion.matching.text.cldr import cldr, locale_of

GREGORIAN = 0
"""The calendar of CLDR's names of months. The calendars of [[dates.calendars]] have the numbers 1, 2, ..."""

# Numbers that differ from each other: all other words of its forms are fillers.
_SAMPLE = date(2004, 12, 25)
_SKELETONS = ("yMMMMd", "yMMMd", "yMd", "yMMMM", "yMMM", "MMMMd", "MMMd")


class DateWords(NamedTuple):
    """The phrases of a language that stand in dates.

    Attributes:
        months: Names -> (calendar, month).
        before_month: Words between which and a word for "month" a number is a month: tháng in "tháng 3".
        after_month: The same behind the number: 月 in 3月.
        eras: Names of eras -> the year that is added to a number beside them.
        before_christ: Names of the two eras -> whether it is the one before the common era.
        fillers: Words that change nothing: weekdays, "year", "of".
        weekdays: Names of the days of the week -> 0 for Monday to 6 for Sunday.
        order: The order of day, month and year in digits: "dmy", "mdy" or "ymd".
    """

    months: Phrases[tuple[int, int]]
    before_month: Phrases[bool]
    after_month: Phrases[bool]
    eras: Phrases[int]
    before_christ: Phrases[bool]
    fillers: Phrases[bool]
    weekdays: Phrases[int]
    order: str


@cache
def month_names(lang: str) -> dict[int, set[str]]:
    """Return the names of each month (1-12): long and short, within a date and alone, with the case endings of the language.

    Raises:
        UserError: CLDR does not know the language.
    """
    months, dates = cldr(lang, "months"), language(lang).dates
    tables = [months[context][width] for context in ("format", "stand-alone") for width in ("abbreviated", "wide")]
    wide = months["stand-alone"]["wide"]
    return {
        number: {table[number] for table in tables}
        | {
            name + ending
            for name in (wide[number], *dates.month_names.get(number, ()))
            for ending in ("", *dates.month_endings)
        }
        for number in range(1, 13)
    }


@cache
def date_words(lang: str) -> DateWords:
    """Return the phrases of a language that stand in dates.

    Raises:
        UserError: CLDR does not know the language.
    """
    dates = language(lang).dates
    months = phrase_table(_month_entries(lang), lang)
    # tháng 3, 3月: the name is a number beside a word.
    numbered = [name.split("3") for name in month_names(lang)[3] if re.fullmatch(r"[^\d]*3[^\d]*", name)]
    eras = [(dates.second_era.name, -dates.second_era.offset)] if dates.second_era else []
    eras += [(name, first_year - 1) for name, first_year in dates.named_eras.items()]
    if dates.second_era:
        eras.append((dates.second_era.common_name, 0))
    fillers = {
        *language(lang).words.articles,
        *dates.year_words,
        *dates.fillers,
        *(name for name, _ in _weekdays(lang)),
        *_words_between(lang, months),
    }
    return DateWords(
        months=months,
        before_month=phrase_table(((head, True) for head, _ in numbered if head.strip()), lang),
        after_month=phrase_table(((tail, True) for _, tail in numbered if tail.strip()), lang),
        eras=phrase_table(eras, lang),
        before_christ=phrase_table(christian_eras(lang), lang),
        fillers=phrase_table(((filler, True) for filler in sorted(fillers)), lang),
        weekdays=phrase_table(_weekdays(lang), lang),
        order=_order(lang),
    )


def _month_entries(lang: str) -> Iterator[tuple[str, tuple[int, int]]]:
    for number, names in month_names(lang).items():
        yield from ((name, (GREGORIAN, number)) for name in sorted(names))
    dates = language(lang).dates
    for calendar, entry in enumerate(dates.calendars, GREGORIAN + 1):
        for number, written in enumerate(entry.months, 1):
            for name in written.split("|"):
                yield from ((name + ending, (calendar, number)) for ending in ("", *dates.month_endings))


def christian_eras(lang: str) -> Iterator[tuple[str, bool]]:
    """Yield the names of the two eras, and whether it is the one before the common era."""
    dates = language(lang).dates
    yield from ((name, True) for name in dates.before_christ)
    yield from ((name, False) for name in dates.after_christ)
    eras = cldr(lang, "eras")
    for width in ("wide", "abbreviated"):
        yield from ((name, number == 0) for number, name in eras[width].items() if number in (0, 1))


def _weekdays(lang: str) -> Iterator[tuple[str, int]]:
    days = cldr(lang, "days")
    for context in ("format", "stand-alone"):
        for width in ("abbreviated", "wide"):
            yield from ((name, day) for day, name in days[context][width].items())


def _words_between(lang: str, months: Phrases[tuple[int, int]]) -> Iterator[str]:
    """Yield the words beside numbers and names of months in CLDR's forms of a date: "de", "г."."""
    from babel.dates import format_date, format_skeleton

    locale = locale_of(lang)
    forms = [format_date(_SAMPLE, length, locale) for length in ("short", "medium", "long", "full")]
    # CLDR does not have every skeleton in every language.
    forms += [format_skeleton(name, _SAMPLE, locale=locale) for name in _SKELETONS if name in locale.datetime_skeletons]
    for form in forms:
        words = words_of(form, lang)
        run: list[str] = []
        index = 0
        while index <= len(words):
            month = months.at(words, index) if index < len(words) else None
            if index == len(words) or month or words[index].isdecimal():
                # Without spaces a token is one character: only the whole run is a word.
                yield from run if language(lang).words.spaces else ["".join(run)]
                run = []
            else:
                run.append(words[index])
            index = month[1] if month else index + 1


def _order(lang: str) -> str:
    """Return the order of day, month and year in CLDR's form in digits."""
    pattern = locale_of(lang).date_formats["short"].pattern.lower()
    return "".join(sorted("dmy", key=pattern.index))
