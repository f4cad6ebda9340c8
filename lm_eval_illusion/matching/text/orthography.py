"""Fold different spellings of the same word: letter case, compatibility characters, and the rules of the language's [spelling].

Only spellings that writers of the language take for the same word are folded; inflection stays.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.languages.record import Spelling

_INNER_APOSTROPHE = re.compile(r"'(?<=\w.)(?=\w)")
# Beside a digit an apostrophe may be a thousands mark.
_JOINING_APOSTROPHE = re.compile(r"'(?<!\d.)(?!\d)")
_DOTTED_I = re.compile("i\u0307+")
# A sign of its own: AT&T stays.
_AMPERSAND = re.compile(r"(?<!\S)&(?!\S)")
_LETTER = r"[^\W\d_]"
_MARK = re.compile("[\u0300-\u036f]")


def fold_letters(text: str, lang: str) -> str:
    """Return the text in NFKC and caseless, with the spellings of the language folded.

    Caseless: ß is ss, final sigma is sigma; in Turkish ı and I are a pair, and i and İ.
    """
    spelling = language(lang).spelling
    text = unicodedata.normalize("NFKC", text)
    if spelling.dotless_i:
        # str.casefold knows only the English pairs.
        text = text.replace("I", "ı").replace("İ", "i")
    if "." in text:
        text = _dotted(spelling.initials.pattern if spelling.initials else _LETTER).sub(_join_initials, text)
    if "&" in text and spelling.ampersand:
        text = _AMPERSAND.sub(spelling.ampersand[0], text)
    text = text.casefold().replace("’", "'")
    if "'" in text:
        if spelling.elision:
            text = _INNER_APOSTROPHE.sub(" ", text)
        if spelling.apostrophe_suffix is not None:
            text = _after_apostrophe(spelling.apostrophe_suffix.pattern).sub("", text)
        text = _JOINING_APOSTROPHE.sub("", text)
    # Casefolding can decompose a character that NFKC composed ("ΐ").
    text = unicodedata.normalize("NFKC", _DOTTED_I.sub("i", text) if "\u0307" in text else text)
    return _fold_spelling(text, spelling, lang)


def _fold_spelling(text: str, spelling: Spelling, lang: str) -> str:
    if spelling.strip_marks and not text.isascii():
        text = unicodedata.normalize("NFC", _MARK.sub("", unicodedata.normalize("NFD", text)))
    if spelling.unordered_marks:
        text = re.sub(f"[{spelling.unordered_marks}]{{2,}}", _sorted_marks, text)
    if spelling.replacements:
        if _are_within_words(lang):
            text = " ".join([_word_with_replacements(word, lang) for word in text.split(" ")])
        else:
            text = _with_replacements(text, spelling)
    for letter, folded in spelling.letters.items():
        text = text.replace(letter, folded)
    return text.translate(_letter_table(spelling.variants, spelling.standard)) if spelling.variants else text


@cache
def _are_within_words(lang: str) -> bool:
    """Return whether no replacement of a language has a space in its pattern: then each word can be folded for itself."""
    return not any(re.search(r" |\\s", rule.find.pattern) for rule in language(lang).spelling.replacements)


@lru_cache(maxsize=100_000)
def _word_with_replacements(word: str, lang: str) -> str:
    """Return a word with the replacements of the language. Many outputs have the same words, and English has many rules."""
    return _with_replacements(word, language(lang).spelling)


def _with_replacements(text: str, spelling: Spelling) -> str:
    for rule in spelling.replacements:
        before = unicodedata.normalize("NFD", text) if rule.decomposed else text
        # Most rules find nothing, and `sub` reads its template before it searches.
        if rule.find.search(before) is not None:
            before = rule.find.sub(rule.replace, before)
        text = before if before.isascii() else unicodedata.normalize("NFC", before)
    return text


def standard_letters(text: str, lang: str) -> str:
    """Return a text with the standard letter in place of each variant, letter by letter: traditional characters become simplified."""
    spelling = language(lang).spelling
    return text.translate(_letter_table(spelling.variants, spelling.standard)) if spelling.variants else text


@cache
def _letter_table(variants: str, standard: str) -> dict[int, int]:
    return str.maketrans(variants, standard)


@cache
def _dotted(initial: str) -> re.Pattern[str]:
    """Return the pattern of an abbreviation with full stops: U.K., U. K., U.K"""
    return re.compile(rf"(?<![\w.])(?:(?:{initial})\.(?:\s?(?:{initial})\.)+|(?:(?:{initial})\.)+(?:{initial})(?![\w.]))")


def _join_initials(match: re.Match[str]) -> str:
    # J.R.R.Tolkien has no space after its initials.
    return re.sub(r"[.\s]", "", match.group()) + (" " if match.string[match.end() : match.end() + 1].isalpha() else "")


def _sorted_marks(marks: re.Match[str]) -> str:
    return "".join(sorted(marks.group(), reverse=True))


@cache
def _after_apostrophe(suffixes: str) -> re.Pattern[str]:
    return re.compile(rf"'(?<=\w.)(?:{suffixes})\b")
