"""Inflection: whether two words are forms of one word, by the language's [inflection].

Stemmers of search engines are made to find more (organ, organisation); here a wrong answer must not count. So a form is accepted only if
what differs is a pair of endings of one declension, or a known suffix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from lm_eval_illusion.languages import language


def find_inflected(answer: Sequence[str], text: Sequence[str], lang: str) -> Iterator[int]:
    """Yield the index of each word of a text at which an answer begins whose words may be inflected.

    Nothing in a language whose file does not describe its inflection.

    Args:
        answer: Normalised words, at least one.
        text: Normalised words.
        lang: ISO 639-1 code.
    """
    inflection = language(lang).inflection
    if not (inflection.classes or inflection.suffixes or inflection.prefixes):
        return
    for start in range(len(text) - len(answer) + 1):
        if all(is_form(word, text[start + index], lang) for index, word in enumerate(answer)):
            yield start


def is_form(answer: str, word: str, lang: str) -> bool:
    """Return whether a word is the word of an answer or a form of it. Both are normalised; a number has no forms."""
    # Most words differ in their first letter. A prefix is rare enough to be looked at word by word.
    return answer == word or (
        (answer[0] == word[0] or language(lang).inflection.prefixes is not None) and _is_other_form(answer, word, lang)
    )


@lru_cache(maxsize=100_000)
def _is_other_form(answer: str, word: str, lang: str) -> bool:
    if any(map(str.isdigit, answer)) or frozenset((answer, word)) in _exceptions(lang):
        return False
    prefixes = language(lang).inflection.prefixes
    prefix = prefixes.match(word) if prefixes else None
    without_prefix = (word[prefix.end() :],) if prefix else ()
    return any(
        answer == rest or _ends_differ_by_class(answer, rest, lang) or _has_suffix(answer, rest, lang)
        for rest in (word, *without_prefix)
        if rest
    )


def _ends_differ_by_class(answer: str, word: str, lang: str) -> bool:
    """Return whether two words have a stem in common, and endings of one class behind it."""
    classes, longest = _classes_of_endings(lang)
    shared = _common_length(answer, word)
    shortest_stem = max(language(lang).inflection.min_stem, len(answer) - longest, len(word) - longest)
    return any(classes.get(answer[stem:], 0) & classes.get(word[stem:], 0) for stem in range(shared, shortest_stem - 1, -1))


def _has_suffix(answer: str, word: str, lang: str) -> bool:
    """Return whether the word is a stem of the answer with suffixes."""
    suffixes = language(lang).inflection.suffixes
    if suffixes is None:
        return False
    return any(word.startswith(stem) and suffixes.fullmatch(word, len(stem)) is not None for stem in _stems(answer, lang))


@lru_cache(maxsize=50_000)
def _stems(word: str, lang: str) -> tuple[str, ...]:
    """Return the word and its changed stems, each of enough letters."""
    inflection = language(lang).inflection
    changed = (change.find.sub(change.replace, word) for change in inflection.stem_changes if change.find.search(word))
    return tuple(stem for stem in dict.fromkeys((word, *changed)) if len(stem) >= inflection.min_stem)


def _common_length(one: str, other: str) -> int:
    """Return the length of the longest common beginning of two words."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (left, right) in pairs if left != right), min(len(one), len(other)))


@cache
def _classes_of_endings(lang: str) -> tuple[dict[str, int], int]:
    """Return for each ending the classes that it stands in, as bits of a number, and the length of the longest ending."""
    classes: dict[str, int] = {}
    for index, entry in enumerate(language(lang).inflection.classes):
        for ending in entry.split():
            written = "" if ending == "-" else ending
            classes[written] = classes.get(written, 0) | 1 << index
    return classes, max(map(len, classes), default=0)


@cache
def _exceptions(lang: str) -> frozenset[frozenset[str]]:
    return frozenset(frozenset(entry.split()) for entry in language(lang).inflection.exceptions)
