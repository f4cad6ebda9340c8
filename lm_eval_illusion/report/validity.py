"""Where the open view of a dense model is not valid: sentences for headline and notes, and the mark in tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from lm_eval_illusion.analysis.records import CalibrationEntry, LeaderboardEntry, Report, Row
from lm_eval_illusion.report.names import families, language_rows, pooled_rows, short_names
from lm_eval_illusion.results import join_truncated

MARK = "not valid"
"""In tables, the mark of a row whose numbers tell about the setup, not about compression."""
MOST_LANGUAGES = 40
"""The largest number of languages that a sentence names."""

Place: TypeAlias = tuple[str, str]
"""Base model and family, which share a dense run."""


def mark_of(row: Row | LeaderboardEntry | CalibrationEntry) -> str:
    """Return the mark of a row that is not valid, else \"\"."""
    return MARK if row.validity.ok is False else ""


def with_mark(heading: str, rows: Iterable[Row | CalibrationEntry]) -> str:
    """Return the heading of a figure of these rows, with the mark if one of them has it."""
    mark = next(filter(None, map(mark_of, rows)), "")
    return f"{heading} ({mark})" if mark else heading


def refusals(report: Report) -> list[str]:
    """Return a sentence for each reason not to claim anything about the variants of a base model on a family, all languages together."""
    places: dict[tuple[str, ...], list[Place]] = defaultdict(list)
    for row in pooled_rows(report):
        place = row.base_model, row.family
        if row.validity.ok is False and place not in places[tuple(row.validity.reasons)]:
            places[tuple(row.validity.reasons)].append(place)
    return [
        f"No illusion is claimed for {_named(found, report)}: {_problems(reasons)}. What to change: {_remedies(reasons)}."
        for reasons, found in places.items()
    ]


def invalid_languages(report: Report) -> list[str]:
    """Return a sentence for each base model and family that is valid over all languages, and not in some of them."""
    refused = {(row.base_model, row.family) for row in pooled_rows(report) if row.validity.ok is False}
    rows: dict[Place, dict[str, Row]] = defaultdict(dict)
    languages: dict[Place, set[str]] = defaultdict(set)
    for row in language_rows(report):
        place = row.base_model, row.family
        languages[place].add(row.language)
        if row.validity.ok is False and place not in refused:
            rows[place][row.language] = row
    return [
        f"Not valid in {len(found)} of {len(languages[place])} languages of {_named([place], report)}"
        f" ({join_truncated(sorted(found), MOST_LANGUAGES)}): {_problems(reasons)}. What to change: {_remedies(reasons)}."
        for place, found in rows.items()
        if (reasons := _distinct(reason for row in found.values() for reason in row.validity.reasons))
    ]


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _named(places: Sequence[Place], report: Report) -> str:
    names, has_families = short_names(report), len(families(pooled_rows(report))) > 1
    return " and ".join(_distinct(names[model] + (f" on {family}" if has_families else "") for model, family in places))


def _problems(reasons: Sequence[str]) -> str:
    *others, last = _distinct(reason.partition(": ")[0] for reason in reasons)
    return f"{', '.join(others)} and {last}" if others else last


def _remedies(reasons: Sequence[str]) -> str:
    return "; ".join(_distinct(reason.partition(": ")[2] for reason in reasons))
