"""Formats of table values: as text, as a sort value of the page, and as CSV fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from lm_eval_illusion.analysis.records import AnyRate, McNemarTest
from lm_eval_illusion.report.format import (
    UNDEFINED,
    change_with_interval,
    count,
    decimal,
    decimal_with_interval,
    nats_with_interval,
    p_value,
    percent,
    points,
    share_with_interval,
    signed,
)
from lm_eval_illusion.report.names import language_name

SortValue: TypeAlias = float | str | None
CsvValue: TypeAlias = float | str | None


@dataclass(frozen=True)
class TableEntry:
    """An entry of a table on the page: its text, the value to sort by (None: undefined), and a note in small print."""

    text: str
    order: SortValue
    note: str = ""


@dataclass(frozen=True)
class Format:
    """How the values of a column are written.

    `text`: for the page. `brief`: for terminal and Markdown, where width is scarce. `sort`: the value that the page sorts by. `csv`: the
    value of each CSV field; the fields are named by the column's key and one of `csv_suffixes`.
    """

    text: Callable[[Any], str]
    brief: Callable[[Any], str]
    sort: Callable[[Any], SortValue]
    csv: Callable[[Any], tuple[CsvValue, ...]]
    csv_suffixes: tuple[str, ...] = ("",)
    is_number: bool = True


def _unchanged(value: Any) -> Any:
    return value


def _one_field(value: Any) -> tuple[CsvValue]:
    return (value,)


def _value_of(rate: AnyRate | None) -> float | None:
    return None if rate is None else rate.value


def _rate_fields(rate: AnyRate | None) -> tuple[CsvValue, ...]:
    if rate is None:
        return None, None, None
    return (rate.value, *(rate.ci or (None, None)))


def _number(text: Callable[[Any], str], brief: Callable[[Any], str] | None = None) -> Format:
    return Format(text, brief or text, sort=_unchanged, csv=_one_field)


def _rate(text: Callable[[AnyRate | None], str], brief: Callable[[AnyRate | None], str] | None = None) -> Format:
    return Format(text, brief or text, sort=_value_of, csv=_rate_fields, csv_suffixes=("", "_low", "_high"))


def _word(value: object) -> str:
    return UNDEFINED if value in (None, "") else str(value)


def _flips(test: McNemarTest | None) -> str:
    return UNDEFINED if test is None else f"{count(test.dense_only)} : {count(test.pruned_only)}"


def _net_loss(test: McNemarTest | None) -> SortValue:
    return None if test is None else test.dense_only - test.pruned_only


WORD = Format(_word, _word, sort=_word, csv=_one_field, is_number=False)
LANGUAGE = Format(language_name, _word, sort=language_name, csv=_one_field, is_number=False)
"""A language code; on the page with its English name."""
COUNT = _number(count)
SIGNED = _number(signed)
PERCENT = _number(percent)
EFFECT = _number(percent, points)
"""The size of a change, in points. The brief text has a plus sign."""
DECIMAL = _number(lambda value: decimal(value, 2))
P_VALUE = _number(p_value)
SHARE = _rate(share_with_interval)
"""A share in per cent with its interval."""
SHARE_BRIEF = _rate(share_with_interval, lambda rate: percent(_value_of(rate)))
"""A share in per cent; the brief text has no interval."""
CHANGE = _rate(change_with_interval)
"""A signed change in points with its interval."""
CHANGE_BRIEF = _rate(change_with_interval, lambda rate: points(_value_of(rate)))
"""A signed change in points; the brief text has no interval."""
DECIMAL_RATE = _rate(decimal_with_interval)
NATS = _rate(nats_with_interval, lambda rate: decimal(_value_of(rate), 3))
"""A divergence in nats; the brief text has no interval."""
FLIPS = Format(_flips, _flips, sort=_net_loss, csv=lambda test: (_flips(test),))
"""Discordant items of a McNemar test, dense only : pruned only; sorted by their difference."""
