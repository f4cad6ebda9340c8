"""Search for an answer in languages that write other words or a class mark together with a noun.

Particles behind it (Korean), short words before it (Arabic, Hebrew, Indonesian), and beginnings that tell singular from plural (Swahili).
What remains of the word is the answer or, except with particles, an inflected form of it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.words.inflection import is_form, look_alikes

_MIN_PREFIXED_LENGTH = 3
"""Shorter words are often the end of another word: رد in ورد."""
_MIN_REST = 2
"""Least number of letters behind the beginning of a noun class: m-ti, mi-ti."""
_LONGEST_PREFIX = 5
_NOTHING = "-"
_FIRST_FINAL_CONSONANT = "\u11a8"
"""Of a Hangul syllable in Unicode NFD; its vowels have smaller numbers."""


def find_with_clitics(answer: Sequence[str], text: Sequence[str], lang: str) -> Iterator[int]:
    """Yield the index of each word of a text at which an answer begins, to which particles or short words are attached.

    Nothing in a language that attaches none.

    Args:
        answer: Normalised words, at least one.
        text: Normalised words.
        lang: ISO 639-1 code.
    """
    words = language(lang).words
    has_beginnings = words.attached_before is not None or bool(words.beginnings)
    has_particles = bool(words.particles)
    if not (has_particles or has_beginnings):
        return
    for start in range(len(text) - len(answer) + 1):
        window = text[start : start + len(answer)]
        if (has_particles and _equal_but_particle(answer, window, lang)) or (
            has_beginnings and _equal_but_beginning(answer, window, lang)
        ):
            yield start


def _equal_but_particle(answer: Sequence[str], window: Sequence[str], lang: str) -> bool:
    """Compare tokens; the last token of the output may end in a particle.

    Only the output may have one: 콩고 is not 콩 with a particle, so nothing is removed from an answer.
    """
    noun, word = answer[-1], window[-1]
    particle = word[len(noun) :]
    # A noun of one syllable with a particle of one syllable is too often another word: 인도, 비만.
    is_long_enough = len(answer) > 1 or len(noun) > 1 or len(particle) > 1
    return (
        is_long_enough
        and word.startswith(noun)
        and (particle in _particles(lang)[_last_sound(noun)] or _is_kind_with_particle(noun, particle, lang))
        and answer[:-1] == window[:-1]
        and frozenset((noun, word)) not in look_alikes(lang)
    )


def _is_kind_with_particle(noun: str, rest: str, lang: str) -> bool:
    """Return whether a name is followed by a word for what it is, which is written together with it: 경주시는."""
    names = language(lang).names
    if len(noun) < 2 or not names.kinds or noun in language(lang).class_words.kept:
        return False
    return any(
        rest.startswith(kind) and rest[len(kind) :] in ("", *_particles(lang)[_last_sound(kind)]) for kind in names.kinds
    )


@lru_cache(maxsize=20_000)
def _last_sound(noun: str) -> str:
    """Return whether a Korean noun ends in a consonant or a vowel; "unknown" for other letters and digits, which are read aloud."""
    if not "가" <= noun[-1] <= "힣":
        return "unknown"
    return "consonant" if unicodedata.normalize("NFD", noun)[-1] >= _FIRST_FINAL_CONSONANT else "vowel"


def _equal_but_beginning(answer: Sequence[str], window: Sequence[str], lang: str) -> bool:
    """Compare tokens, which may be inflected; the first token of the output may have another beginning: والمدرسة.

    Any token may have or lack the article.
    """
    return (
        answer != window
        and _has_other_beginning(answer[0], window[0], lang, len(answer) > 1)
        and all(_is_form_or_definite(one, other, lang) for one, other in zip(answer[1:], window[1:], strict=True))
    )


def _is_form_or_definite(noun: str, word: str, lang: str) -> bool:
    return is_form(noun, word, lang) or is_form(_indefinite(noun, lang), _indefinite(word, lang), lang)


def _indefinite(word: str, lang: str) -> str:
    """Return a word without the article; a word that is nothing else keeps it."""
    return word.removeprefix(language(lang).words.prefixed_article) or word


def _has_other_beginning(noun: str, word: str, lang: str, in_phrase: bool) -> bool:
    """Return whether a word is a noun or a form of it, behind a prefix, with another beginning of its class, or without article."""
    # Most words have nothing in common: the noun follows the beginning of the word, or differs from it only in its beginning.
    return (noun[:2] in word or noun[2:4] in word) and _is_noun_with_other_beginning(noun, word, lang, in_phrase)


@lru_cache(maxsize=100_000)
def _is_noun_with_other_beginning(noun: str, word: str, lang: str, in_phrase: bool) -> bool:
    indefinite = _indefinite(noun, lang)
    if frozenset((noun, word)) in look_alikes(lang):
        return False
    nouns = (noun, indefinite) if in_phrase or len(indefinite) >= _MIN_PREFIXED_LENGTH else (noun,)
    return any(
        is_form(one, rest, lang)
        for one in nouns
        for rest in (word, *_behind_prefix(one, word, lang, in_phrase), *_in_class(one, word, lang))
    )


def _behind_prefix(noun: str, word: str, lang: str, in_phrase: bool) -> Iterator[str]:
    attached = language(lang).words.attached_before
    is_long_enough = in_phrase or len(noun) >= _MIN_PREFIXED_LENGTH
    if attached is None or not is_long_enough or noun.isdecimal():
        return
    for length in range(1, min(_LONGEST_PREFIX, len(word) - 1) + 1):
        if word.startswith(noun[:2], length) and attached.fullmatch(word, 0, length):
            yield word[length:]


def _in_class(noun: str, word: str, lang: str) -> Iterator[str]:
    """Yield the word with each beginning that the noun has in its class: vitabu as kitabu, for the noun kitabu."""
    for own, other, least_rest in _beginnings(noun, lang):
        if word.startswith(other) and len(word) >= len(other) + least_rest:
            yield own + word[len(other) :]


@lru_cache(maxsize=50_000)
def _beginnings(noun: str, lang: str) -> tuple[tuple[str, str, int], ...]:
    """Return the beginning of a noun, another one of its class, and the least number of letters behind it, for every class."""
    return tuple(
        (own, other, _MIN_REST if own and other else _MIN_PREFIXED_LENGTH)
        for beginnings in _classes(lang)
        for own in beginnings
        if noun.startswith(own)
        for other in beginnings
        if own != other
    )


@cache
def _particles(lang: str) -> dict[str, frozenset[str]]:
    """Return the particles that may follow a noun, by its last sound."""
    words = language(lang).words
    after_consonant = frozenset((*words.particles_after_any, *words.particles_after_consonant))
    after_vowel = frozenset((*words.particles_after_any, *words.particles_after_vowel))
    return {"consonant": after_consonant, "vowel": after_vowel, "unknown": after_consonant | after_vowel}


@cache
def _classes(lang: str) -> tuple[tuple[str, ...], ...]:
    entries = language(lang).words.beginnings
    return tuple(tuple("" if beginning == _NOTHING else beginning for beginning in entry.split()) for entry in entries)
