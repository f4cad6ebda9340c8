"""The greatest value that a number can have where it tells a day, a month, a century or a time; or inches beside feet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lm_eval_illusion.matching.dates import date_forms
from lm_eval_illusion.pairing.numbers.spans import WORD, Number, with_digits

Fits = Callable[[int], bool]

LAST_CENTURY = 21
SAFE_DAY = 28
"""Every month has it."""

_REACH = 5
"""Words on either side within which a date is looked for: 18 de mayo de 1756 has four beside the day."""
_WORDS = re.compile(rf"\d+|{WORD}")
# Beginnings of words, lower-case; no library has them, and CLDR has them in one case only.
_CENTURY = re.compile(
    "centur|jahrhundert|siècle|siecle|siglo|secol|sécul|sekel|århund|eeuw|wiek|stolet|století|století|vuosisa|század|"
    "век|столет|столітт|αιών|αιωνα|قرن|قرون|مئوي|מאה|सदी|शताब्द|শতাব্দ|শতক|శతాబ్ద|ศตวรรษ|yüzyıl|asır|thế kỷ|abad|kurun|karne|世紀|世纪|세기"
)
_BEFORE = (
    (11, re.compile(r"\b(?:feet|foot|ft)\s*$", re.I)),
    (12, re.compile(r"\btháng\s*$", re.I)),
    (31, re.compile(r"\bngày\s*$", re.I)),
    (59, re.compile(r"\d(?::|\s*[时時点點시]\s*)$")),
)
_AFTER = (
    (12, re.compile(r"\s*(?:월|月)|\s*(?:o['’]clock|[ap]\.?m\b)|:\d\d\s*[ap]\.?m\b", re.I)),
    (23, re.compile(r":\d\d|\s*(?:uhr\b|時(?!間)|时|시(?!간)|点|點)", re.I)),
    (31, re.compile(r"\s*(?:日|号|號|일)")),
)


def date_limits(text: str, number: Number, lang: str) -> Fits | None:
    """Whether there is the date that the text says, or says a part of, with another value of the number; None if it is in no date."""
    dated = next(_dates_around(text, number, lang), None)
    return _exists_with(*dated, lang) if dated is not None else None


def clock_limits(text: str, number: Number, lang: str) -> Fits:
    """Whether a value is no day, month, hour or minute that there can't be, and no century to come."""
    most = _most(text, number, lang)
    return lambda value: value <= most


def _exists_with(text: str, number: Number, lang: str) -> Fits:
    digits = len(number.digits)

    def exists(value: int) -> bool:
        return len(str(value)) <= digits and bool(date_forms(with_digits(text, number, str(value).zfill(digits)), lang))

    # Neither 2001 nor 201 is a leap year: if the date exists then, it exists in every year.
    is_in_any_year = digits > 2 and exists(2 * 10 ** (digits - 1) + 1)
    return (lambda value: True) if is_in_any_year else exists


def _dates_around(text: str, number: Number, lang: str) -> Iterator[tuple[str, Number]]:
    """Parts of the text that hold the number and say a date, the longest first."""
    spans = [match.span() for match in _WORDS.finditer(text)]
    left = [start for start, _ in spans if start <= number.start][-_REACH:]
    right = [end for _, end in spans if end >= number.end][:_REACH]
    for start, end in sorted(((s, e) for s in left for e in right), key=lambda span: (span[0] - span[1], span)):
        part = text[start:end]
        if _has_letters(part) and date_forms(part, lang):
            yield part, Number(number.digits, number.start - start, number.end - start)


def _has_letters(part: str) -> bool:
    return any(map(str.isalpha, part))


def _most(text: str, number: Number, lang: str) -> float:
    before, after, value = text[: number.start], text[number.end :], int(number.digits)
    limits = [most for most, pattern in _BEFORE if pattern.search(before)]
    limits += [most for most, pattern in _AFTER if pattern.match(after)]
    if _CENTURY.search(text.lower()):
        limits.append(LAST_CENTURY)
    if re.search("[%％٪]", text):
        limits.append(100)
    if re.search(r"\d{4}", text) or _names_month(text, lang):
        limits += [SAFE_DAY, 31]
    return min((limit for limit in limits if value <= limit), default=float("inf"))


def _names_month(text: str, lang: str) -> bool:
    return any(date_forms(f"1 {word}", lang) for word in re.findall(WORD, text))
