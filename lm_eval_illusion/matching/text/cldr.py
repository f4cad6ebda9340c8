"""Facts about a language from CLDR, read by Babel."""

from __future__ import annotations

import re
from copy import deepcopy
from functools import cache
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.languages import language_codes, near_codes


@cache
def locale_of(lang: str) -> Any:
    """Return the `babel.Locale` of a language; the root locale, which has no words, for a language that CLDR has no data of.

    Raises:
        UserError: No language has the code.
    """
    from babel import Locale

    locale = _own_locale(lang)
    if locale is not None:
        return locale
    if not _is_language(lang):
        near = near_codes(lang) or language_codes()
        raise UserError(f"no language has the code {lang[:100]!r}: use one of ISO 639, such as {' '.join(near)}")
    return Locale("root")


def is_known(lang: str) -> bool:
    """Return whether CLDR has data of a language."""
    return _own_locale(lang) is not None


@cache
def is_written_in_latin(lang: str) -> bool:
    """Return whether a language is written in Latin letters, as far as CLDR knows; true for a language that it does not know."""
    from babel.core import get_global

    return "_Latn" in get_global("likely_subtags").get(lang, "_Latn")


@cache
def _own_locale(lang: str) -> Any:
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(lang)
    except (UnknownLocaleError, ValueError, TypeError):
        return None


def _is_language(code: str) -> bool:
    """Return whether a code may name a language: not one of a country alone (jp), or another spelling of a language's code (eng)."""
    from babel import Locale
    from babel.core import get_global

    english = Locale("en")
    is_other = code.upper() in english.territories or code in get_global("language_aliases")
    return code in english.languages or (re.fullmatch("[a-z]{2,3}", code) is not None and not is_other)


def cldr(lang: str, part: str) -> Any:
    """Return a part of the data of a language, such as "months", as nested tables; an empty table if the language lacks it.

    The tables are a copy: Babel writes resolved aliases into tables that several languages share (issue 1234 of python-babel/babel).
    They are not kept: callers keep what they make of them. Many tables make each run of Python's garbage collector slow.

    Raises:
        UserError: No language has the code.
    """
    from babel.localedata import LocaleDataDict, load

    data = load(str(locale_of(lang)))
    return LocaleDataDict({**data, part: deepcopy(data.get(part, {}))})[part]
