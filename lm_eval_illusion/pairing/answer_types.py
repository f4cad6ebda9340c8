"""The form of an answer (number, date, name or phrase) and the script it is written in, from its letters and digits."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.text.cldr import is_written_in_latin
from lm_eval_illusion.pairing.numbers.changes import find_changeable, possible_values, ranks
from lm_eval_illusion.pairing.numbers.number_form import number_form

FORMS = ("number", "date", "name", "phrase")
_EAST_ASIAN = frozenset(("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO"))


def answer_form(answers: Mapping[str, str], questions: Mapping[str, str] | None = None) -> str:
    """Return the form of an answer, as it is written in its languages.

    Numbers and dates are told from names that contain a number by the languages in which capitals mark names, if there are any. Else
    the majority of the languages decides. A number in words that can't be changed counts as a phrase: it gets answers of other
    questions, most of them numbers in words that can't be changed either. Only languages in which capitals mark names vote for `name`.

    Args:
        answers: The answer in each language.
        questions: The question in each language, which may say that it asks for a number; left out, the answers decide alone.

    Returns:
        One of `FORMS`.
    """
    texts = questions or {}
    cased = [lang for lang in answers if language(lang).words.capitals_mark_names]
    votes = {lang: number_form(answer, texts.get(lang, ""), lang) for lang, answer in answers.items()}
    if _majority(bool(votes[lang]) for lang in cased or answers) and not _is_fixed_in_words(answers):
        return "date" if _majority(form == "date" for form in votes.values() if form) else "number"
    return "name" if _majority(_is_name(answers[lang]) for lang in cased) else "phrase"


@lru_cache(maxsize=100_000)
def script_of(text: str, lang: str) -> str:
    """Return the script of most letters of a text ("LATIN", "ARABIC", "CJK"); "" if it has no letters.

    In a language of another script, Latin letters count only if there are no others: "Αεροδρόμιο Van Nuys" is Greek.
    """
    if text.isascii():
        return "LATIN" if any(map(str.isalpha, text)) else ""
    scripts = _script_counts(text)
    if len(scripts) > 1 and not is_written_in_latin(lang):
        del scripts["LATIN"]
    return min(scripts, key=lambda script: (-scripts[script], script), default="")


def writing_of(text: str, lang: str) -> str:
    """Return what `script_of` does, and the same for all scripts of one writing: Japanese mixes Chinese characters with kana, Korean
    with Hangul. 日本 and フランス are both names of countries."""
    script = script_of(text, lang)
    return "EAST ASIAN" if script in _EAST_ASIAN else script


@lru_cache(maxsize=100_000)
def is_wholly_latin(text: str) -> bool:
    """Return whether a text has letters and all of them are Latin."""
    return any(map(str.isalpha, text)) if text.isascii() else set(_script_counts(text)) == {"LATIN"}


def _script_counts(text: str) -> Counter[str]:
    return Counter(unicodedata.name(character, "?").split()[0] for character in text if character.isalpha())


def _majority(votes: Iterable[bool]) -> bool:
    counted = list(votes)
    return sum(counted) * 2 > len(counted)


def _is_fixed_in_words(answers: Mapping[str, str]) -> bool:
    """Return whether most of the answers have no digits, and no number has three other values in all of them."""
    in_words = _majority(not any(map(str.isdecimal, answer)) for answer in answers.values())
    return in_words and not any(
        ranks(possible_values(number, frozenset()), number.value) for number in find_changeable(answers)
    )


@lru_cache(maxsize=100_000)
def _is_name(answer: str) -> bool:
    """Return whether every long word begins with a capital."""
    words = answer.split()
    long_words = [word for word in words if len(word) > 3 and (word.isalpha() or sum(map(str.isalpha, word)) > 3)] or words
    return all(word.lstrip("\"'«„“(¿¡")[:1].isupper() for word in long_words)
