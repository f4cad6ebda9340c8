"""What kind of thing an answer is, found out from how it is written in all its languages."""

from __future__ import annotations

from collections.abc import Mapping

from lm_eval_illusion.dates import date_forms
from lm_eval_illusion.normalising import normalise

ANSWER_TYPES = ("number", "date", "name", "phrase")

# Where common nouns have no capital, a capital on every long word makes a name.
_CASED = frozenset("cs da el en es fi fr hu id it ms nl no pl pt ro ru sv sw tr uk vi".split())
_LEAST_DIGIT_SHARE = 0.12


def answer_type(answers: Mapping[str, str]) -> str:
    """`number`, `date` (a year or a calendar date), `name` or `phrase`, by a vote of the languages. `answers`: language -> answer."""
    if any(_is_year(answer, lang) or date_forms(answer, lang) for lang, answer in answers.items()):
        return "date"
    if sum(_is_number(answer, lang) for lang, answer in answers.items()) * 2 > len(answers):
        return "number"
    if sum(map(_digit_share, answers.values())) >= _LEAST_DIGIT_SHARE * len(answers):
        return "number"
    votes = [_is_name(answer) for lang, answer in answers.items() if lang in _CASED]
    return "name" if sum(votes) * 2 > len(votes) else "phrase"


def _is_year(answer: str, lang: str) -> bool:
    said = normalise(answer, lang)
    return len(said) == 4 and said.isdigit() and 1000 <= int(said) <= 2100


def _is_number(answer: str, lang: str) -> bool:
    words = normalise(answer, lang).split()
    return bool(words) and all(word[0].isdigit() or word == "–" for word in words)


def _digit_share(answer: str) -> float:
    letters_and_digits = [character for character in answer if character.isalnum()]
    return sum(character.isdigit() for character in letters_and_digits) / max(1, len(letters_and_digits))


def _is_name(answer: str) -> bool:
    words = answer.split()
    long = [word for word in words if sum(map(str.isalpha, word)) > 3] or words
    return all(word.lstrip("\"'«„“(¿¡")[:1].isupper() for word in long)
