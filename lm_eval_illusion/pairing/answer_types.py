"""The form of an answer (number, date, name or phrase) and the script it is written in, from its letters and digits."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

from lm_eval_illusion.languages import language, prompt_words
from lm_eval_illusion.matching.dates.answers import date_of
from lm_eval_illusion.pairing.numbers.spans import is_within_name, numbers_of

FORMS = ("number", "date", "name", "phrase")

_MIN_DIGIT_SHARE = 0.12
"""An answer in which at least this share of letters and digits are digits is a number."""


def answer_form(answers: Mapping[str, str]) -> str:
    """Return the form of an answer by a majority of its languages.

    A date is a year or a calendar date. Only languages in which capitals mark names vote for `name`.

    Args:
        answers: The answer in each language.

    Returns:
        One of `FORMS`.
    """
    if _majority(_is_year(answer) or date_of(answer, lang) is not None for lang, answer in answers.items()):
        return "date"
    if _majority(_is_number(answer) for answer in answers.values()):
        return "number"
    if _majority(_digit_share(answer, lang) >= _MIN_DIGIT_SHARE for lang, answer in answers.items()):
        return "number"
    cased = [answer for lang, answer in answers.items() if language(lang).words.capitals_mark_names]
    return "name" if _majority(_is_name(answer) for answer in cased) else "phrase"


@lru_cache(maxsize=100_000)
def script_of(text: str, lang: str) -> str:
    """Return the script of most letters of a text ("LATIN", "ARABIC", "CJK"); "" if it has no letters.

    In a language of another script, Latin letters count only if there are no others: "Αεροδρόμιο Van Nuys" is Greek.
    """
    scripts = _script_counts(text)
    if len(scripts) > 1 and not is_written_in_latin(lang):
        del scripts["LATIN"]
    return min(scripts, key=lambda script: (-scripts[script], script), default="")


@lru_cache(maxsize=100_000)
def is_wholly_latin(text: str) -> bool:
    """Return whether a text has letters and all of them are Latin."""
    return set(_script_counts(text)) == {"LATIN"}


@cache
def is_written_in_latin(lang: str) -> bool:
    """Return whether the prompt words of the language are in Latin letters.

    Raises:
        UserError: The language has no prompt words.
    """
    return is_wholly_latin(prompt_words(lang).question)


def _script_counts(text: str) -> Counter[str]:
    if text.isascii():
        return +Counter(LATIN=sum(map(str.isalpha, text)))
    return Counter(unicodedata.name(character, "?").split()[0] for character in text if character.isalpha())


def _majority(votes: Iterable[bool]) -> bool:
    counted = list(votes)
    return sum(counted) * 2 > len(counted)


def _is_year(answer: str) -> bool:
    """Return whether the answer is written as a year: 1388, but not 1,388."""
    digits = answer.strip()
    return len(digits) == 4 and digits.isdecimal() and 1000 <= int(digits) <= 2100


def _is_number(answer: str) -> bool:
    return any(map(str.isdecimal, answer)) and not any(map(str.isalpha, answer))


def _digit_share(answer: str, lang: str) -> float:
    """Return the share of digits among letters and digits; the digits of names (CO2, Astra 2A) count as letters."""
    digits = sum(len(number.digits) for number in numbers_of(answer) if not is_within_name(answer, number, lang))
    return digits / max(1, sum(map(str.isalnum, answer)))


def _is_name(answer: str) -> bool:
    """Return whether every long word begins with a capital."""
    words = answer.split()
    long_words = [word for word in words if sum(map(str.isalpha, word)) > 3] or words
    return all(word.lstrip("\"'«„“(¿¡")[:1].isupper() for word in long_words)
