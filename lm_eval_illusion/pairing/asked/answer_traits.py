"""What an answer tells about its kind by itself: a country of CLDR, two words with capitals, a word that many answers share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.text.cldr import is_known, locale_of
from lm_eval_illusion.pairing.asked.question_words import folded, text_units

_CLDR_LISTS = ("territories", "languages", "currencies", "scripts")
"""A name in several lists belongs to the first one."""


def answer_traits(answer: str, lang: str) -> Iterator[str]:
    """Yield the traits of an answer in a language, each as a text such as "territories", "2 words, all capitals", "first:university"."""
    rules = language(lang).words
    text = _key(answer, lang)
    if name := _cldr_names(lang).get(text):
        yield name
    if rules.spaces:
        yield from _traits_of_words(answer, text.split(), rules.capitals_mark_names)
    else:
        yield f"{min(len(text), 8)} characters"
        yield f"first:{text[:1]}"
        yield f"end:{text[-1:]}"
        yield f"ends:{text[-2:]}"


def _traits_of_words(answer: str, words: Sequence[str], capitals_mark_names: bool) -> Iterator[str]:
    """Yield length, capitals, the first and the last word, and the last letters. `words`: of the answer, caseless."""
    written = answer.split()
    length = f"{min(len(written), 5)} words"
    if capitals_mark_names:
        capitals = sum(word[0].isupper() for word in written)
        length += ", all capitals" if capitals == len(written) else ", some capitals" if capitals else ", no capitals"
    yield length
    if answer.isupper() and len(answer) > 1:
        yield "upper case"
    if words:
        yield f"first:{words[0]}"
        yield f"end:{words[-1][-3:]}"
    if len(words) > 1:
        yield f"last:{words[-1]}"


@cache
def _cldr_names(lang: str) -> dict[str, str]:
    """Return name -> the list of CLDR that has it; none for a language that CLDR does not know."""
    if not is_known(lang):
        return {}
    locale = locale_of(lang)
    return {
        _key(name, lang): part
        for part in reversed(_CLDR_LISTS)
        for code, name in getattr(locale, part).items()
        # Territories of three digits are continents and their parts.
        if part != "territories" or code.isalpha()
    }


def _key(text: str, lang: str) -> str:
    """Return a text as names are compared: caseless words, or the caseless text where no spaces separate words."""
    return " ".join(text_units(text, lang)) if language(lang).words.spaces else folded(text, lang)
