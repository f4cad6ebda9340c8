"""Inflection: whether two words are forms of one word, by the language's [inflection].

Stemmers of search engines are made to find more (organ, organisation); here a wrong answer must not count. So a form is accepted only if
what differs is a pair of endings of one declension, a known suffix, or a pair of forms of a listed word.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.languages.record import Replacement

_BOUNDARY = "|"
"""Stands between stem and ending where `alternations` are applied."""
_CITATION = ":"
"""Stands in a class of endings after those that an answer may have."""
_LEAST_COMPOUND_PART = 3
_LONGEST_REST = 25
"""A word that is longer than twice the answer by more letters is no form of it. No such word is analysed: it may be very long."""
_DIAERESIS = "\u0308"


class _Classes(NamedTuple):
    """The classes that each ending stands in, as bits of a number: all of them, and those in which an answer may have it."""

    all: Mapping[str, int]
    citation: Mapping[str, int]
    alone: int
    """The classes of words that are an answer alone."""
    longest: int
    """Letters of the longest ending."""


def find_inflected(answer: Sequence[str], text: Sequence[str], lang: str) -> Iterator[int]:
    """Yield the index of each word of a text at which an answer begins of which at least one word is inflected.

    Nothing in a language whose file does not describe its inflection.

    Args:
        answer: Normalised words, at least one.
        text: Normalised words.
        lang: ISO 639-1 code.
    """
    if not _is_inflected(lang):
        return
    first, *rest = answer
    initials = _initials(first, lang)
    for start in range(len(text) - len(answer) + 1):
        # Most words differ in their first letter.
        if (
            (not initials or text[start][0] in initials)
            and is_form(first, text[start], lang, bool(rest))
            and all(is_form(word, text[start + index], lang, True) for index, word in enumerate(rest, 1))
            and any(word != text[start + index] for index, word in enumerate(answer))
        ):
            yield start


def is_form(answer: str, word: str, lang: str, in_phrase: bool = False) -> bool:
    """Return whether a word is the word of an answer or a form of it.

    Args:
        answer: A word of an answer, normalised. A number has no forms.
        word: Normalised.
        lang: ISO 639-1 code.
        in_phrase: The answer has other words, too: it may be an adjective in the name of a thing.
    """
    return answer == word or _is_other_form(answer, word, lang, in_phrase)


@cache
def _is_inflected(lang: str) -> bool:
    inflection = language(lang).inflection
    endings = inflection.classes or inflection.phrase_classes or inflection.suffixes or inflection.prefixes
    return bool(endings or inflection.irregular or inflection.closed_classes)


@lru_cache(maxsize=50_000)
def _initials(answer: str, lang: str) -> str:
    """Return the letters with which a form of a word may begin; empty if with any, because the language has prefixes."""
    if language(lang).inflection.prefixes is not None:
        return ""
    plain = unicodedata.normalize("NFD", answer[0])[0]
    found = (answer[0], plain, unicodedata.normalize("NFC", plain + _DIAERESIS), *(form[0] for form in _listed(answer, lang)))
    return "".join(letter for letter in dict.fromkeys(found) if len(letter) == 1)


@lru_cache(maxsize=100_000)
def _is_other_form(answer: str, word: str, lang: str, in_phrase: bool) -> bool:
    initials = _initials(answer, lang)
    if len(word) > 2 * len(answer) + _LONGEST_REST:
        return False
    if (initials and word[0] not in initials) or any(map(str.isdigit, answer)) or _are_other_words(answer, word, lang):
        return False
    if word in _listed(answer, lang):
        return True
    prefixes = language(lang).inflection.prefixes
    prefix = prefixes.match(word) if prefixes else None
    without_prefix = (word[prefix.end() :],) if prefix else ()
    return any(
        answer == rest or _ends_differ_by_class(answer, rest, lang, in_phrase) or _has_suffix(answer, rest, lang)
        for rest in (word, *without_prefix)
        if rest
    ) or _parts_are_forms(answer, word, lang)


def _ends_differ_by_class(answer: str, word: str, lang: str, in_phrase: bool) -> bool:
    """Return whether two words have a stem in common, and endings of one class behind it."""
    if len(answer) < language(lang).inflection.min_word:
        return False
    allowed = -1 if in_phrase else _classes_of_endings(lang).alone
    stems = _stems_by_class(word, lang, False)
    return any(bits & stems.get(stem, 0) & allowed for stem, bits in _stems_by_class(answer, lang, True).items())


@lru_cache(maxsize=50_000)
def _stems_by_class(word: str, lang: str, is_answer: bool) -> dict[str, int]:
    """Return each stem that a word may have, with the classes in which the rest of the word is an ending."""
    inflection, classes = language(lang).inflection, _classes_of_endings(lang)
    endings = classes.citation if is_answer else classes.all
    found: dict[str, int] = {}
    for end in range(max(1, len(word) - classes.longest), len(word) + 1):
        if word[end:] in classes.all:
            for split in _changed((f"{word[:end]}{_BOUNDARY}{word[end:]}",), inflection.alternations):
                stem, _, ending = split.partition(_BOUNDARY)
                if len(stem) >= inflection.min_stem and ending in endings:
                    found[stem] = found.get(stem, 0) | endings[ending]
    return found


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
    if inflection.stem_changes_chain:
        changed = _changed((word,), inflection.stem_changes)
    else:
        changed = [
            word,
            *(change.find.sub(change.replace, word) for change in inflection.stem_changes if change.find.search(word)),
        ]
    return tuple(stem for stem in dict.fromkeys(changed) if len(stem) >= inflection.min_stem)


def _changed(texts: Iterable[str], changes: Sequence[Replacement]) -> list[str]:
    """Return the texts and what the changes make of them; each change is also applied to what those before it have made."""
    found = list(texts)
    for change in changes:
        found += [new for text in found if (new := change.find.sub(change.replace, text)) not in found]
    return found


def _parts_are_forms(answer: str, word: str, lang: str) -> bool:
    """Return whether both parts of a compound are inflected: Mustameri, Mustallamerellä."""
    for part in language(lang).inflection.inflected_parts:
        rest = answer.removeprefix(part)
        if rest != answer and len(rest) >= _LEAST_COMPOUND_PART:
            ends = range(2, len(word) - 1)
            return any(is_form(part, word[:end], lang) and is_form(rest, word[end:], lang) for end in ends)
    return False


@lru_cache(maxsize=50_000)
def _listed(answer: str, lang: str) -> frozenset[str]:
    """Return the forms of a word that is listed, or of a compound whose last part is listed as irregular."""
    words, parts = _lists(lang)
    found = set(words.get(answer, ()))
    for start in range(len(answer) - _LEAST_COMPOUND_PART + 1):
        found.update(answer[:start] + form for form in parts.get(answer[start:], ()))
    return frozenset(found)


@cache
def _lists(lang: str) -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, tuple[str, ...]]]:
    """Return for each listed form all forms of its word: of all lists, and of the irregular words, which may end a compound."""
    inflection = language(lang).inflection
    irregular = [entry.split() for entry in inflection.irregular]
    regular = [
        [stem + _written(ending) for ending in endings.split()]
        for endings, stems in inflection.closed_classes.items()
        for stem in stems.split()
    ]
    return _by_form((*irregular, *regular)), _by_form(irregular)


def _by_form(lists: Iterable[Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return for each form all forms of the lists in which it stands."""
    found: dict[str, tuple[str, ...]] = {}
    for forms in lists:
        # Most forms stand in one list: they share its tuple.
        shared = tuple(forms)
        for form in forms:
            found[form] = shared if form not in found else tuple(dict.fromkeys((*found[form], *forms)))
    return found


@cache
def _classes_of_endings(lang: str) -> _Classes:
    found: dict[str, int] = {}
    citation: dict[str, int] = {}
    inflection = language(lang).inflection
    for index, entry in enumerate((*inflection.classes, *inflection.phrase_classes)):
        before, _, after = entry.partition(_CITATION)
        for ending in map(_written, before.split()):
            citation[ending] = citation.get(ending, 0) | 1 << index
        for ending in map(_written, (*before.split(), *after.split())):
            found[ending] = found.get(ending, 0) | 1 << index
    return _Classes(found, citation, (1 << len(inflection.classes)) - 1, max(map(len, found), default=0))


def _written(ending: str) -> str:
    return "" if ending == "-" else ending


def _are_other_words(answer: str, word: str, lang: str) -> bool:
    pattern = language(lang).inflection.other_words
    if pattern is not None and pattern.fullmatch(f"{answer} {word}"):
        return True
    return frozenset((answer, word)) in look_alikes(lang)


@cache
def look_alikes(lang: str) -> frozenset[frozenset[str]]:
    """Return the pairs of words that look like forms of one word and are not."""
    return frozenset(frozenset(entry.split()) for entry in language(lang).inflection.exceptions)
