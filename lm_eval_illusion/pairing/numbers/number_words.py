"""Numbers in words: where they stand in an answer, and other numbers in the same form.

The words are those of [numbers.words] in the language files: three to nine, ten and so on, twenty, thirty and so on. A word is changed only
into the same form of another number. Beside other words it is never changed into one or two, nor are these changed, where they have several
forms (one, eine, einen), which would have to agree with the word beside them; alone, they stand in their first form.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.numbers.tokens import tokens_of
from lm_eval_illusion.pairing.numbers.spans import WORD, Number, ValueTest


class _Form(NamedTuple):
    """A form of a number in words: its value, its place among the forms of the value, and how many forms these are."""

    value: int
    place: int
    forms: int


def spelled_numbers(text: str, lang: str) -> list[Number]:
    """Return the numbers in words of a text that may be changed, from left to right: of "five million" only five.

    A capital within the text is that of a name: 7-Eleven.
    """
    known = _forms(lang, _is_alone(text, lang))
    if not known:
        return []
    if language(lang).words.spaces:
        words = list(re.finditer(WORD, text))
        # Beside a noun, numerals agree with its class, and numerals that are also other words may be these.
        if len(words) > 1 and language(lang).words.beginnings:
            return []
        other_words = _unclear(lang) if len(words) > 1 else frozenset()
        found = [
            word
            for word in words
            if word.group().casefold() in known.keys() - other_words and not (word.start() and word.group()[0].isupper())
        ]
    else:
        found = list(_any_form(lang).finditer(text))
    return [Number(str(known[match.group().casefold()].value), *match.span(), is_spelled=True) for match in found]


def with_number_word(text: str, number: Number, value: int, lang: str) -> str | None:
    """Return the text with another value of a number in words, in the same form; None if there is no such form."""
    written, is_alone = text[number.start : number.end], _is_alone(text, lang)
    forms = _forms(lang, is_alone)
    own = forms[written.casefold()]
    word = _words(lang, is_alone).get((value, own.place))
    if word is None or not _is_same_form(forms[word.casefold()], own, word, written):
        return None
    if written[:1].isupper():
        word = word[:1].upper() + word[1:]
    return text[: number.start] + word + text[number.end :]


def reads_well(text: str, number: Number, lang: str) -> ValueTest:
    """Return a function that tests whether the text with another value is read as that value in the same place.

    "Cinq-vingts" is no number although "quatre-vingts" is 80.
    """
    before, old = _reading(text, lang), int(number.digits)

    def fits(value: int) -> bool:
        changed = with_number_word(text, number, value, lang)
        if changed is None:
            return False
        after = _reading(changed, lang)
        if after.other_words != before.other_words or len(after.values) != len(before.values):
            return False
        changes = [(one, other) for one, other in zip(before.values, after.values, strict=True) if one != other]
        return len(changes) == 1 and (
            changes[0][1] - changes[0][0] == value - old or changes[0][1] * old == changes[0][0] * value
        )

    return fits


class _Reading(NamedTuple):
    """The values of the numbers of a text, from left to right, and how many of its tokens belong to none."""

    values: list[Decimal]
    other_words: int


def _reading(text: str, lang: str) -> _Reading:
    tokens = tokens_of(text, lang)
    found = sorted(tokens.numbers.items())
    return _Reading(
        [number.value for _, number in found], len(tokens.words) - sum(number.after - first for first, number in found)
    )


def _is_same_form(one: _Form, other: _Form, word: str, other_word: str) -> bool:
    """Return whether words at one place among the forms of two values are the same form of both.

    The first forms are. So are others if both values have as many forms, or if both words end alike: пяти and девяти.
    """
    if one.place != other.place:
        return False
    # In short words, as those in characters (五つ), the last letter says nothing.
    return (
        not one.place or one.forms == other.forms or (word[-1:] == other_word[-1:] and len(min(word, other_word, key=len)) > 3)
    )


def _is_alone(text: str, lang: str) -> bool:
    """Return whether a text is a single word, which agrees with no other one: zwei."""
    return language(lang).words.spaces and re.fullmatch(WORD, text) is not None


@cache
def _words(lang: str, is_alone: bool) -> dict[tuple[int, int], str]:
    """Return (value, place of the form) -> word, for the numbers that can be changed."""
    return {(form.value, form.place): word for word, form in _entries(lang, is_alone)}


@cache
def _forms(lang: str, is_alone: bool) -> dict[str, _Form]:
    """Return word -> its value and form; of a word that is several forms the first one."""
    return {word.casefold(): form for word, form in reversed(_entries(lang, is_alone))}


@cache
def _entries(lang: str, is_alone: bool) -> tuple[tuple[str, _Form], ...]:
    given = language(lang).numbers.words
    found: list[tuple[str, _Form]] = []
    for entries, first, step in ((given.counting, 0, 1), (given.tens, 20, 10), (given.hundreds, 100, 100)):
        for index, entry in enumerate(entries.split()):
            words, value = entry.split("/"), first + index * step
            must_agree = value <= 2 and len(words) > 1
            # Where 71 is sixty and eleven, seventy is a word of one region.
            is_regional = given.teens_after and value in (70, 80, 90)
            if value and not is_regional:
                # A word that ends in a hyphen is a stem and needs an ending.
                forms = [(word, _Form(value, place, len(words))) for place, word in enumerate(words) if not word.endswith("-")]
                found += [one for one in forms if is_alone and not one[1].place] if must_agree else forms
    return tuple(found)


@cache
def _unclear(lang: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in language(lang).numbers.words.unclear)


@cache
def _any_form(lang: str) -> re.Pattern[str]:
    words = sorted(_forms(lang, False), key=lambda word: (-len(word), word))
    return re.compile("|".join(map(re.escape, words)), re.IGNORECASE)
