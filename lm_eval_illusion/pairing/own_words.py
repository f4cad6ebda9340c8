"""Prompt words from `--words` and from the field `prompt_words` of the questions, by language.

Items carry them, so that a task folder needs nothing else where it is evaluated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.items import Item
from lm_eval_illusion.languages import PromptWords, check_code, language
from lm_eval_illusion.languages.own_words import NAMES, check_words, complete_words
from lm_eval_illusion.matching.text.cldr import locale_of
from lm_eval_illusion.option_values import shown

FIELD = "prompt_words"
"""The field of a question, an object. It holds for all questions in its language."""
OPTION = "--words"
_EXAMPLE = f"{OPTION} lang=nso,question=Potšišo,answer=Karabo"


class StatedWords(NamedTuple):
    """The words in one question. `location`: "file:line"."""

    lang: str
    words: object
    location: str


class _Option(NamedTuple):
    """One option. `lang`: "" if it names no language."""

    lang: str
    words: dict[str, str]


def own_words(options: Sequence[str], stated: Iterable[StatedWords], languages: Collection[str]) -> dict[str, PromptWords]:
    """Return language -> its prompt words, for each language for which the user gives some.

    The option comes before the field, and the field before the file of the language.

    Args:
        options: The values of `--words`, such as "lang=nso,question=Potšišo,answer=Karabo".
        stated: The words in the questions.
        languages: The languages of the questions.

    Raises:
        UserError: An option or a field is wrong, two disagree, or an option names no language and there are several.
    """
    given = _stated_by_language(stated)
    from_options: dict[str, dict[str, str]] = {}
    for option in map(_parse, options):
        lang = option.lang or _only_language(languages)
        if lang not in languages:
            raise UserError(
                f"{OPTION} lang={shown(lang)}: no question is in this language, but in {' '.join(sorted(languages))}"
            )
        words = from_options.setdefault(lang, {})
        if twice := sorted(words.keys() & option.words.keys()):
            raise UserError(f"{OPTION} gives {twice[0]} of language {lang} twice: give it once")
        words |= option.words
    for lang, words in from_options.items():
        given[lang] = given.get(lang, {}) | words
    for lang in given:
        check_code(lang)
        locale_of(lang)
    return {lang: complete_words(words, language(lang).prompt, lang) for lang, words in given.items()}


def with_words(items: Mapping[str, Sequence[Item]], words: Mapping[str, PromptWords]) -> dict[str, list[Item]]:
    """Return language -> its items, which carry the prompt words that the user gives for the language."""
    fields = {lang: msgspec.structs.asdict(own) for lang, own in words.items()}
    return {
        lang: [{**item, "prompt_words": fields[lang]} for item in in_lang] if lang in fields else list(in_lang)
        for lang, in_lang in items.items()
    }


def _stated_by_language(stated: Iterable[StatedWords]) -> dict[str, dict[str, str]]:
    found: dict[str, tuple[dict[str, str], str]] = {}
    for lang, value, location in stated:
        if not isinstance(value, Mapping):
            raise UserError(f"{location}: {FIELD} {shown(value)} is no object: give one with {', '.join(NAMES)}")
        try:
            words = check_words(value)
        except UserError as error:
            raise UserError(f"{location}: {error}") from error
        first, first_location = found.setdefault(lang, (words, location))
        if words != first:
            raise UserError(
                f"{location}: {FIELD} of language {lang} is not the one at {first_location}: give one for all its questions"
            )
    return {lang: words for lang, (words, _) in found.items()}


def _parse(option: str) -> _Option:
    words: dict[str, str] = {}
    for part in option.split(","):
        name, sign, value = part.partition("=")
        if not sign:
            raise UserError(f"{OPTION} {shown(option)}: {shown(part)} is no name=word: write it as {_EXAMPLE}")
        if name.strip() in words:
            raise UserError(f"{OPTION} {shown(option)} gives {name.strip()} twice: give it once")
        words[name.strip()] = value
    lang = words.pop("lang", "").strip()
    if not words:
        raise UserError(f"{OPTION} {shown(option)} gives no word: write it as {_EXAMPLE}")
    try:
        return _Option(lang, check_words(words))
    except UserError as error:
        raise UserError(f"{OPTION}: {error}") from error


def _only_language(languages: Collection[str]) -> str:
    """Return the language that an option without `lang` means: the only one without a file, or else the only one."""
    without_file = [lang for lang in languages if language(lang).prompt is None]
    candidates = without_file or list(languages)
    if len(candidates) != 1:
        raise UserError(f"{OPTION} names no language, and the questions are in {' '.join(sorted(candidates))}: add lang=CODE")
    return candidates[0]
