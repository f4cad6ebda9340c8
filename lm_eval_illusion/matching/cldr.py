"""What CLDR knows about a language, by way of Babel."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.languages import LANGUAGES


@cache
def locale_of(lang: str) -> Any:
    """Babel's locale.

    Raises:
        UserError: CLDR has no such language.
    """
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(lang)
    except (UnknownLocaleError, ValueError, TypeError) as error:
        raise UserError(f"no language has the code {lang!r}: use an ISO 639-1 code, such as {' '.join(LANGUAGES)}") from error


@cache
def cldr(lang: str) -> Any:
    """All data of a language, as nested tables.

    A copy: Babel writes what it looks up into tables that languages share, and gives the next one Chinese (its issue 1234).
    """
    from babel.localedata import LocaleDataDict, load

    return LocaleDataDict(deepcopy(load(str(locale_of(lang)))))
