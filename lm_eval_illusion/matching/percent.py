"""Percentages in signs and words: 20 %, 20 percent, %20."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.cldr import cldr
from lm_eval_illusion.matching.normalize import normalise
from lm_eval_illusion.matching.punctuation import PERCENT

_NUMBER = r"\d+(?:\u066b\d+)?"


@lru_cache(maxsize=50_000)
def percentage_forms(normalised: str, lang: str) -> tuple[str, ...]:
    """Return the other forms of a percentage: "20 percent" for "20 %"; empty if the normalised text is not a percentage."""
    patterns = _percent_patterns(lang)
    for pattern in patterns:
        number = re.fullmatch(re.escape(pattern).replace("7", f"({_NUMBER})"), normalised)
        if number:
            return tuple(other.replace("7", number[1]) for other in patterns if other != pattern)
    return ()


def without_percent(normalised: str) -> str | None:
    """Return the number in a text such as "20 %": it is enough as an answer to a question for a percentage. None for other texts."""
    return normalised[: -len(PERCENT) - 1] if re.fullmatch(f"{_NUMBER} {PERCENT}", normalised) else None


@cache
def _percent_patterns(lang: str) -> tuple[str, ...]:
    """Return the forms of a percentage, normalised, with 7 as the number."""
    units = cldr(lang)["unit_patterns"].get("concentr-percent", {})
    # A language without words of its own has the sign alone, one level higher.
    words = [pattern for pattern in units.get("long", units).values() if isinstance(pattern, str)]
    written = (f"{{0}}{PERCENT}", *words, *language(lang).numbers.percent_phrases)
    return tuple(dict.fromkeys(normalise(pattern.replace("{0}", "7"), lang) for pattern in written))
