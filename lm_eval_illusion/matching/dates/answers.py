"""Answers that are dates: which date an answer is, and how a year alone is also written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.dates.date import Date
from lm_eval_illusion.matching.dates.eras import parts_of
from lm_eval_illusion.matching.dates.find import find_dates
from lm_eval_illusion.matching.dates.parts import DatePart, can_be_year
from lm_eval_illusion.matching.numbers.tokens import tokens_of, words_of

COMMON_YEARS = range(1000, 2101)
"""A number of these is more often a year than a count. In a language with a second era, such a year is also written in that era."""


@lru_cache(maxsize=1_000)
def date_of(text: str, lang: str) -> Date | None:
    """Return the date that a text is; None if it is none, if it says more than a date, or if it can be two dates (3/12/2004).

    A date is a year, month and day, or two of them with the month by name, or a year beside a word for "year" or for its era.

    Raises:
        UserError: CLDR does not know the language.
    """
    tokens = tokens_of(text, lang)
    parts = parts_of(tokens)
    content = [part for part in parts if part.kind != "filler"]
    if not content or any(part.kind == "other" for part in content):
        return None
    found = {
        hit.date
        for hit in find_dates(tokens)
        if hit.is_sure and hit.first <= content[0].first and hit.after >= content[-1].after
    }
    if len(found) == 1:
        return found.pop()
    return _lone_year(content, len(parts), lang) if not found else None


def _lone_year(content: Sequence[DatePart], count: int, lang: str) -> Date | None:
    """Return the year that a text of one number is: one beside a word for "year", or one that has another form in a second era."""
    part = content[0]
    if len(content) > 1 or part.kind != "number" or not can_be_year(part):
        return None
    second_era = language(lang).dates.second_era
    if count > 1 or (second_era is not None and part.value in COMMON_YEARS):
        return Date(part.value, None, None)
    return None


def year_forms(answer: Date, text: str, lang: str) -> tuple[str, ...]:
    """Return the normalised ways to write a year without a month: the number alone, and with the second era of the language."""
    if answer.month is not None or answer.year is None or answer.year < 0:
        return ()
    era = language(lang).dates.second_era
    if era is None:
        return (str(answer.year),)
    name, of_era = " ".join(words_of(era.name, lang)), str(answer.year + era.offset)
    return str(answer.year), f"{name} {of_era}", *([of_era] if of_era in text else [])
