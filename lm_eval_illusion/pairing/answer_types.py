"""What kind of thing an answer is, found out from how it is written in all its languages.

Which letters a text is written in.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

from lm_eval_illusion.languages import words_of
from lm_eval_illusion.matching.dates import date_forms
from lm_eval_illusion.pairing.numbers.spans import is_within_name, numbers_of


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


ANSWER_TYPES = ("number", "date", "name", "phrase")

# Where common nouns have no capital, a capital on every long word makes a name.
_CASED = frozenset("cs da el en es fi fr hu id it ms nl no pl pt ro ru sv sw tr uk vi".split())
_LEAST_DIGIT_SHARE = 0.12


def answer_type(answers: Mapping[str, str]) -> str:
    """`number`, `date` (a year or a calendar date), `name` or `phrase`, by a vote of the languages. `answers`: language -> answer."""
    if _most_of(_is_year(answer) or bool(date_forms(answer, lang)) for lang, answer in answers.items()):
        return "date"
    if _most_of(_is_number(answer) for answer in answers.values()):
        return "number"
    if _most_of(_digit_share(answer, lang) >= _LEAST_DIGIT_SHARE for lang, answer in answers.items()):
        return "number"
    return "name" if _most_of(_is_name(answer) for lang, answer in answers.items() if lang in _CASED) else "phrase"


def _most_of(votes: Iterable[bool]) -> bool:
    counted = list(votes)
    return sum(counted) * 2 > len(counted)


def _is_year(answer: str) -> bool:
    """As it is written: 1,388 is no year."""
    digits = answer.strip()
    return len(digits) == 4 and digits.isdecimal() and 1000 <= int(digits) <= 2100


def _is_number(answer: str) -> bool:
    return any(map(str.isdecimal, answer)) and not any(map(str.isalpha, answer))


def _digit_share(answer: str, lang: str) -> float:
    """Of its letters and digits; those of names (CO2, Astra 2A) count as letters."""
    digits = sum(len(number.digits) for number in numbers_of(answer) if not is_within_name(answer, number, lang))
    return digits / max(1, sum(map(str.isalnum, answer)))


def _is_name(answer: str) -> bool:
    words = answer.split()
    long = [word for word in words if sum(map(str.isalpha, word)) > 3] or words
    return all(word.lstrip("\"'«„“(¿¡")[:1].isupper() for word in long)
