"""Refusal: the answer says that the model does not know, or will not answer."""

from __future__ import annotations

import unicodedata
from functools import cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching import normalise

DEFAULT_LANGUAGE = "en"
"""Models also refuse in this language, whatever the language of the question."""


def is_refusal(line: str, lang: str) -> bool:
    """Return whether a line says not to know or not to answer, in its language or in English.

    It contains one of `failures.refusals` of the language's file, or is one of `failures.refusals_alone`.
    """
    codes = dict.fromkeys((lang, DEFAULT_LANGUAGE))
    return any(_contains(line, code) or _trimmed(line) in _whole_lines(code) for code in codes)


def _contains(line: str, code: str) -> bool:
    phrases = _phrases(code)
    if not phrases:
        return False
    text = normalise(line, code)
    if not language(code).words.spaces:
        text = text.replace(" ", "")
        return any(phrase in text for phrase in phrases)
    return any(f" {phrase} " in f" {text} " for phrase in phrases)


def _trimmed(line: str) -> str:
    """Return a line without case and without the signs around it. The signs within stay: "N/A" is not the symbol of sodium."""
    text = " ".join(unicodedata.normalize("NFKC", line).casefold().split())
    kept = [at for at, character in enumerate(text) if unicodedata.category(character)[0] in "LMN"]
    return text[kept[0] : kept[-1] + 1] if kept else ""


@cache
def _whole_lines(code: str) -> frozenset[str]:
    return frozenset(map(_trimmed, language(code).failures.refusals_alone))


@cache
def _phrases(code: str) -> tuple[str, ...]:
    spoken = language(code)
    phrases = [normalise(phrase, code) for phrase in spoken.failures.refusals]
    return tuple(phrases if spoken.words.spaces else [phrase.replace(" ", "") for phrase in phrases])
