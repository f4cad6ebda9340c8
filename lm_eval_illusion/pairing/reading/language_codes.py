"""Codes and names of languages as data sets write them -> the code of a language file: pt-BR, por, Portuguese -> pt."""

from __future__ import annotations

import contextlib
import difflib
import re
from functools import cache, lru_cache

from lm_eval_illusion.languages import language_codes, near_codes

_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*", re.ASCII)


@lru_cache(maxsize=4_096)
def resolved_code(text: str) -> str:
    """Return the code of the language file that a code or a name stands for; the text itself if there is no such file.

    A region or a script is left out, so zh-TW and zh-Hant are zh: there is one file of Chinese, and matching reads traditional
    characters as simplified ones.
    """
    text = text.strip()
    if text in language_codes():
        return text
    if _TAG.fullmatch(text):
        files = _files()
        parts = re.split("[-_]", text)
        # The longest beginning of the tag that is a language: zh-min-nan before zh.
        for length in range(len(parts), 0, -1):
            if code := files.get(_canonical("-".join(parts[:length]))):
                return code
    return _names().get(text.casefold(), text)


def is_known_language(text: str) -> bool:
    """Return whether a text is a code or a name of a language that has a language file."""
    return resolved_code(text) in language_codes()


@lru_cache(maxsize=4_096)
def near_languages(text: str) -> tuple[str, ...]:
    """Return up to three codes of language files that a wrong code or a misspelt name may stand for."""
    names = _names()
    near = difflib.get_close_matches(text.casefold()[:40], names, n=6, cutoff=0.6)
    return tuple(dict.fromkeys((*near_codes(text), *map(names.__getitem__, near))))[:3]


def is_language_tag(text: str) -> bool:
    """Return whether a text is written like the code of a language: en, pt-BR, zho_Hans."""
    return bool(_TAG.fullmatch(text))


@cache
def _files() -> dict[str, str]:
    """Canonical code -> code of the language file."""
    return {_canonical(code): code for code in language_codes()}


def _canonical(code: str) -> str:
    """Return the language of a code by CLDR: its two-letter code, the new one of an old one, and no for nb and nn."""
    from babel.core import get_global

    code = code.casefold()
    code = str(get_global("language_aliases").get(code, code)).split("_")[0]
    return str(get_global("parent_exceptions").get(code, code)).split("_")[0]


@cache
def _names() -> dict[str, str]:
    """The name of each language in English and in itself, folded -> code of the language file."""
    from babel import Locale, UnknownLocaleError

    names: dict[str, str] = {}
    english = Locale("en").languages
    for code in language_codes():
        found = [english.get(code)]
        with contextlib.suppress(UnknownLocaleError, ValueError):  # CLDR has no data of it.
            found.append(Locale.parse(code).languages.get(code))
        names |= {name.casefold(): code for name in found if name}
    return names
