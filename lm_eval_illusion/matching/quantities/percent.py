"""Percentages in signs and words: 20 %, 20 percent, %20."""

from __future__ import annotations

from collections.abc import Iterator

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.quantities.units import with_number
from lm_eval_illusion.matching.text.cldr import cldr
from lm_eval_illusion.matching.text.punctuation import PERCENT

PERCENT_UNIT = "concentr-percent"
"""The name of a percentage among the units of CLDR."""


def percent_phrases(lang: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to write a percentage, each as (phrase, PERCENT_UNIT); {0} is the number.

    Raises:
        UserError: CLDR does not know the language.
    """
    units = cldr(lang, "unit_patterns").get(PERCENT_UNIT, {})
    # A language without words of its own has the sign alone, one level higher.
    words = [pattern for pattern in units.get("long", units).values() if isinstance(pattern, str)]
    for phrase in (f"{{0}}{PERCENT}", *words, *language(lang).numbers.percent_phrases):
        yield with_number(phrase), PERCENT_UNIT
