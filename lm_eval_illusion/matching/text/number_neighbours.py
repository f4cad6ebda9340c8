"""Neighbours that make another number: 15 million, 1990er Jahre."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.text.cldr import cldr
from lm_eval_illusion.matching.text.normalize import normalise

_NUMBER = r"\d+(?:\u066b\d+)?"
_NEIGHBOUR_LENGTH = 40
"""Characters before or after a number in which a magnitude or a decade is searched: more than any of these words has."""


def is_other_number(text: str, start: int, end: int, lang: str) -> bool:
    """Return whether the neighbours of a number turn it into another number: 15 in "15 million", 1990 in "1990er".

    Args:
        text: Normalised text.
        start: Index of the first character of a part of the text, which may be no number.
        end: Index after the last character of this part.
        lang: ISO 639-1 code.
    """
    number = text[start:end]
    if re.fullmatch(_NUMBER, number) is None:
        return False
    before, after = _neighbours(lang, is_decade=re.fullmatch(r"\d{2,3}0", number) is not None)
    return bool(
        before.search(text[max(0, start - _NEIGHBOUR_LENGTH) : start]) or after.match(text[end : end + _NEIGHBOUR_LENGTH])
    )


@cache
def _neighbours(lang: str, is_decade: bool) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return two patterns of text that turns a number into another one: text before the number (search), text after it (match)."""
    words, numbers = language(lang).words, language(lang).numbers
    parts = [phrase.split("7") for phrase in _magnitude_phrases(lang)]
    before = {re.escape(head.strip()) for head, _ in parts} - {""}
    after = {re.escape(tail.strip()) for _, tail in parts} - {""}
    if is_decade and numbers.before_decade is not None:
        before.add(numbers.before_decade.pattern)
    if is_decade and numbers.after_decade is not None:
        after.add(numbers.after_decade.pattern)
    if numbers.attached_magnitudes is not None:
        after.add(numbers.attached_magnitudes.pattern)
    start = "(?:^| )" if words.spaces else ""
    end = "(?: |$)" if words.spaces and numbers.attached_magnitudes is None else ""
    return _any_of(f"{start}(?:{{}}) ?$", before), _any_of(f" ?(?:{{}}){end}", after)


def _any_of(frame: str, patterns: set[str]) -> re.Pattern[str]:
    # Without any pattern nothing matches.
    return re.compile(frame.format("|".join(sorted(patterns)) or "(?!)"))


def _magnitude_phrases(lang: str) -> Iterator[str]:
    """Yield thousand, million and so on, normalised, with 7 as the number: "7 million", "milioni 7"."""
    formats = cldr(lang, "compact_decimal_formats")
    for width in ("long", "short"):
        for plural_forms in formats.get(width, {}).values():
            for plural_form in plural_forms.values():
                phrase = normalise(re.sub("0+", "7", plural_form.pattern.split(";")[0].replace("'", "")), lang)
                # Shorter abbreviations are also those of units: m, t, K, cm.
                if "7" in phrase and (width == "long" or sum(map(str.isalpha, phrase)) >= 3):
                    yield phrase
    yield from (f"7 {normalise(word, lang)}" for word in language(lang).numbers.magnitudes)
