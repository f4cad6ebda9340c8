"""Nouns that are made of several nouns: Alpengipfel, country singer. The last one says the kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.pairing.asked.phrases import EMPTY, Found, noun_lists
from lm_eval_illusion.pairing.asked.question_words import phrase_units

MIN_FIRST_PART, MIN_HEAD = 3, 4
"""Least numbers of letters of the two parts of a compound: shorter ones stand in other words by chance."""


def kind_of_compound(word: str, lang: str) -> str:
    """Return the kind of the longest noun with which a word ends: mountain for "Alpengipfel"; "" if there is none."""
    heads = _heads(lang)
    if not heads:
        return ""
    starts = range(MIN_FIRST_PART, len(word) - MIN_HEAD + 1)
    return next((heads[word[start:]] for start in starts if word[start:] in heads), "")


def last_of_compound(nouns: Sequence[Found], noun: Found, units: Sequence[str]) -> Found:
    """Return the last of the nouns that follow one another from a noun on: singer in "country singer"."""
    for following in nouns:
        # "Which club plays here?", "What would scientists show?": a verb behind a singular or plural noun.
        is_verb = _ends_in_s(units[following.end - 1]) or _ends_in_s(units[noun.end - 1])
        if following.start == noun.end and not is_verb and following.kind not in (EMPTY, "time", "quantity"):
            noun = following
    return noun


def _ends_in_s(word: str) -> bool:
    return word.endswith("s") and not word.endswith("ss")


@cache
def _heads(lang: str) -> Mapping[str, str]:
    """Return noun -> kind, for the last parts of compounds; empty for a language that does not join nouns to one word."""
    if not language(lang).asking.joins_nouns:
        return {}
    words = [(phrase_units(noun, lang), kind) for kind, nouns in noun_lists(lang).items() if kind != EMPTY for noun in nouns]
    return {units[0].removesuffix("*"): kind for units, kind in words if len(units) == 1 and not units[0].startswith("*")}
