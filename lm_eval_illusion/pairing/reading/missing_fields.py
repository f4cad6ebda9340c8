"""What to do about a field that a row lacks: perhaps its column has another name."""

from __future__ import annotations

import difflib
from functools import lru_cache

from lm_eval_illusion.option_values import shown
from lm_eval_illusion.pairing.reading.fields import SYNONYMS, FieldsOfRow, plain_name

LACKS = {field: f"there is no {field}" for field in ("question", "answer", "language")}
"""Reasons: what a row lacks. Where all rows lack it, the name of the column is probably another one."""


def remedy(fields: FieldsOfRow, canonical: str) -> str:
    """Return what to do about a missing field; it asks ": did you mean ...?" if a column has nearly its name."""
    if fields.has(canonical):
        return " (null or blank): give one, or leave the row out"
    near = _near_name(tuple(fields.row), canonical)
    return (
        f": did you mean {shown(near)}? Give --map {canonical}={near}" if near else f": give one, or --map {canonical}=COLUMN"
    )


def gold_remedy(fields: FieldsOfRow) -> str:
    """Return what to do where a row has options and does not say which is right."""
    near = _near_name(tuple(fields.row), "answer")
    return f": did you mean {shown(near)}? Give --map gold={near}" if near else " (--map gold=COLUMN)"


def _is_numbered(name: str, names: tuple[str, ...]) -> bool:
    """Whether a column is one of several that differ in a number at the end: of mc_answer1 to mc_answer4, any may be right."""
    begin = name.rstrip("0123456789")
    return begin != name and any(other != name and other.rstrip("0123456789") == begin != other for other in names)


@lru_cache(maxsize=1_024)
def _near_name(names: tuple[str, ...], canonical: str) -> str:
    plain = {plain_name(name)[:60]: name for name in names if not _is_numbered(name, names)}
    for synonym in SYNONYMS[canonical][:3]:
        if near := difflib.get_close_matches(plain_name(synonym), plain, n=1, cutoff=0.7):
            return plain[near[0]][:60]
    return ""
