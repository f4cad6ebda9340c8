"""The names of the months."""

from __future__ import annotations

from functools import cache

from lm_eval_illusion.locales import cldr

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
