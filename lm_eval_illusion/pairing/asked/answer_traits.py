"""What an answer tells about its kind by itself: a country of CLDR, two words with capitals, a word that many answers share."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.text.cldr import locale_of
from lm_eval_illusion.pairing.asked.question_words import folded, question_words

_CLDR_LISTS = ("territories", "languages", "currencies", "scripts")


def answer_traits(answer: str, lang: str) -> Iterator[str]:
    """Yield the traits of an answer in a language, each as a text such as "territories", "2 capitals", "first:university"."""
    rules = language(lang).words
    words = question_words(answer, lang).units if rules.spaces else (folded(answer),)
    text = " ".join(words)
    if name := _cldr_kinds(lang).get(text):
        yield name
    if rules.spaces:
        written = answer.split()
        capitals = sum(word[0].isupper() for word in written)
        if rules.capitals_mark_names:
            yield f"{min(len(written), 5)} words, {'all' if capitals == len(written) else 'some' if capitals else 'no'} capitals"
        else:
            yield f"{min(len(written), 5)} words"
        if answer.isupper() and len(answer) > 1:
            yield "upper case"
        yield f"first:{words[0]}" if words else "none"
        if len(words) > 1:
            yield f"last:{words[-1]}"
        yield f"end:{text[-3:]}"
    else:
        yield f"{min(len(text), 8)} characters"
        yield f"end:{text[-1:]}"
        yield f"ends:{text[-2:]}"
        yield f"first:{text[:1]}"


@cache
def _cldr_kinds(lang: str) -> dict[str, str]:
    locale = locale_of(lang)
    found: dict[str, str] = {}
    for part in reversed(_CLDR_LISTS):
        for code, name in getattr(locale, part).items():
            if part == "territories" and not code.isalpha():
                continue
            key = " ".join(question_words(name, lang).units) if language(lang).words.spaces else folded(name)
            found[key] = part
    return found
