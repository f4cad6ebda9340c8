"""Facts about a language from CLDR, read by Babel."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.languages import language_codes


@cache
def locale_of(lang: str) -> Any:
    """Return the `babel.Locale` of a language.

    Raises:
        UserError: CLDR does not know the language.
    """
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(lang)
    except (UnknownLocaleError, ValueError, TypeError) as error:
        raise UserError(
            f"no language has the code {lang!r}: use an ISO 639-1 code, such as {' '.join(language_codes())}"
        ) from error


def is_known(lang: str) -> bool:
    """Return whether CLDR knows a language, so that its answers can be matched."""
    try:
        locale_of(lang)
    except UserError:
        return False
    return True


def cldr(lang: str, part: str) -> Any:
    """Return a part of the data of a language, such as "months", as nested tables; an empty table if the language lacks it.

    The tables are a copy: Babel writes resolved aliases into tables that several languages share (issue 1234 of python-babel/babel).
    They are not kept: callers keep what they make of them. Many tables make each run of Python's garbage collector slow.

    Raises:
        UserError: CLDR does not know the language.
    """
    from babel.localedata import LocaleDataDict, load

    data = load(str(locale_of(lang)))
    return LocaleDataDict({**data, part: deepcopy(data.get(part, {}))})[part]
