"""Upper limits of a number that is a day, a month, a century or a time of day, or inches after feet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.languages.record import NumberLimit
from lm_eval_illusion.matching.dates.answers import date_of
from lm_eval_illusion.matching.dates.eras import parts_of
from lm_eval_illusion.matching.numbers.tokens import tokens_of
from lm_eval_illusion.pairing.numbers.spans import WORD, Number, ValueTest, with_digits

LAST_CENTURY = 21
SAFE_DAY = 28
"""The greatest day that every month has."""

_MAX_WORDS = 5
"""Words on either side of a number that may belong to the same date: 18 de mayo de 1756 has four after the day."""
_DIGIT = re.compile(r"\d")
_WORDS = re.compile(rf"\d+|{WORD}")
_ANGLE = r"\s?°[\d\s.,'’′\"”″]*"
# Signs of texts in every language; the words of one language are its [[dates.limits]].
_LIMITS = (
    NumberLimit(most=11, before_number=re.compile(r"\bft\s*$")),
    NumberLimit(most=11, before_number=re.compile(r"\d\s?['’′]\s?$")),
    NumberLimit(most=12, after_number=re.compile(r"\s*[ap]\.?m\b|:\d\d\s*[ap]\.?m\b")),
    NumberLimit(most=23, after_number=re.compile(r":\d\d")),
    NumberLimit(most=59, before_number=re.compile(r"\d:$")),
    # Degrees of latitude and longitude, and their minutes and seconds.
    NumberLimit(most=90, after_number=re.compile(rf"{_ANGLE}[ns]\b")),
    NumberLimit(most=180, after_number=re.compile(rf"{_ANGLE}[ew]\b")),
    NumberLimit(most=59, before_number=re.compile(r"\d\s?(?:°|°\s?\d+\s?['’′])\s?$")),
)


def date_limits(text: str, number: Number, lang: str) -> ValueTest | None:
    """Return a function that tests whether the date around the number exists with another value; None if there is no such date."""
    dated = next(_dates_around(text, number, lang), None)
    return _exists_with(*dated, lang) if dated is not None else None


def _exists_with(text: str, number: Number, lang: str) -> ValueTest:
    digits = len(number.digits)

    def exists(value: int) -> bool:
        return len(str(value)) <= digits and date_of(with_digits(text, number, str(value).zfill(digits)), lang) is not None

    # 2001 and 201 are no leap years: a date that exists then exists in every year.
    is_in_any_year = digits > 2 and exists(2 * 10 ** (digits - 1) + 1)
    return (lambda value: True) if is_in_any_year else exists


def _dates_around(text: str, number: Number, lang: str) -> Iterator[tuple[str, Number]]:
    """Yield the parts of the text that contain the number and are a date, the longest first."""
    if not _has_date_words(_DIGIT.sub("7", text), lang):
        return
    spans = [match.span() for match in _WORDS.finditer(text)]
    starts = [start for start, _ in spans if start <= number.start][-_MAX_WORDS:]
    ends = [end for _, end in spans if end >= number.end][:_MAX_WORDS]
    for start, end in sorted(((s, e) for s in starts for e in ends), key=lambda span: (span[0] - span[1], span)):
        part = text[start:end]
        if any(map(str.isalpha, part)) and date_of(part, lang) is not None:
            yield part, Number(number.digits, number.start - start, number.end - start)


@lru_cache(maxsize=10_000)
def _has_date_words(text: str, lang: str) -> bool:
    """Return whether a text has a name of a month, a word for "year" or the like. Its digits are all 7, so that many texts are one."""
    return any(part.kind not in ("number", "other") for part in parts_of(tokens_of(text, lang)))


def greatest_value(text: str, number: Number, lang: str) -> float:
    """Return the greatest possible value of a day, month, hour, minute, percentage or century; infinity if the text sets no limit.

    A limit below the number itself is none.
    """
    before, after, value = text[: number.start].lower(), text[number.end :].lower(), int(number.digits)
    dates = language(lang).dates
    limits = [limit.most for limit in (*_LIMITS, *dates.limits) if _applies(limit, before, after)]
    if names_century(text, lang):
        limits.append(LAST_CENTURY)
    if re.search("[%％٪]", text):
        limits.append(100)
    if re.search(r"\d{4}", text) or _names_month(text, lang):
        limits += [SAFE_DAY, 31]
    return min((limit for limit in limits if value <= limit), default=float("inf"))


def names_century(text: str, lang: str) -> bool:
    """Return whether a text has the word for "century", not as the end of another word: человек is no век."""
    century, lower = language(lang).dates.century, text.lower()
    # Letters without case may be an article: القرن.
    return century is not None and any(
        not lower[match.start() - 1 : match.start()].islower() or match.start() == 0 for match in century.finditer(lower)
    )


def _applies(limit: NumberLimit, before: str, after: str) -> bool:
    if limit.before_number is not None:
        return limit.before_number.search(before) is not None
    return limit.after_number is not None and limit.after_number.match(after) is not None


def _names_month(text: str, lang: str) -> bool:
    return any(date_of(f"1 {word}", lang) is not None for word in re.findall(WORD, text))
