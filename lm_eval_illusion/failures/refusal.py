"""Refusal: the answer says that the model does not know, or will not answer."""

from __future__ import annotations

from functools import cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching import normalise

DEFAULT_LANGUAGE = "en"
"""Models also refuse in this language, whatever the language of the question."""


def is_refusal(line: str, lang: str) -> bool:
    """Return whether a line contains a phrase of refusal of its language or of English (`failures.refusals` of the language's file)."""
    return any(_contains(line, code) for code in dict.fromkeys((lang, DEFAULT_LANGUAGE)))


def _contains(line: str, code: str) -> bool:
    phrases = _phrases(code)
    if not phrases:
        return False
    text = normalise(line, code)
    if not language(code).words.spaces:
        text = text.replace(" ", "")
        return any(phrase in text for phrase in phrases)
    return any(f" {phrase} " in f" {text} " for phrase in phrases)


@cache
def _phrases(code: str) -> tuple[str, ...]:
    spoken = language(code)
    phrases = [normalise(phrase, code) for phrase in spoken.failures.refusals]
    return tuple(phrases if spoken.words.spaces else [phrase.replace(" ", "") for phrase in phrases])
