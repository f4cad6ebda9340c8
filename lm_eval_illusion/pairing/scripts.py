"""Which letters a text is written in."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import cache, lru_cache

from lm_eval_illusion.languages import words_of


@lru_cache(maxsize=100_000)
def script_of(text: str, lang: str) -> str:
    """The script of most of its letters ("LATIN", "ARABIC", "CJK"), "" of none.

    In a language of another script Latin letters count only where there are no others: "Αεροδρόμιο Van Nuys" is Greek.
    """
    scripts = _scripts(text)
    if len(scripts) > 1 and not is_written_in_latin(lang):
        del scripts["LATIN"]
    return min(scripts, key=lambda script: (-scripts[script], script), default="")


@lru_cache(maxsize=100_000)
def is_wholly_latin(text: str) -> bool:
    """Whether it has letters, all of them Latin."""
    return set(_scripts(text)) == {"LATIN"}


@cache
def is_written_in_latin(lang: str) -> bool:
    """Whether the language's own words are: its prompts show it."""
    return is_wholly_latin(words_of(lang).question)


def _scripts(text: str) -> Counter[str]:
    return Counter(unicodedata.name(character, "?").split()[0] for character in text if character.isalpha())
