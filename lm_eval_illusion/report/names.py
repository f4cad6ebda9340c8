"""Short names of base models and languages, and the parts of a report that several renderers select."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from babel import Locale

from lm_eval_illusion.analysis.records import LeaderboardEntry, Report, Row
from lm_eval_illusion.embedded import EMBEDDED, resolve_pretrained
from lm_eval_illusion.results.outcomes import POOLED, WITHOUT_LANGUAGE
from lm_eval_illusion.results.variants import DENSE_METHOD

DENSE = DENSE_METHOD
"""The pruner of a dense variant."""


def short_names(report: Report) -> dict[str, str]:
    """Map each base model to its name without organisation or folder; to the full name where two short names would be equal."""
    full_names = list(dict.fromkeys(row.base_model for row in report.rows))
    short = {name: _short(name) for name in full_names}
    uses = Counter(short.values())
    return {name: short[name] if uses[short[name]] == 1 else name for name in full_names}


def language_name(code: str) -> str:
    """Return the English name and the code, as in 'Arabic (ar)'; only the code if it has no English name."""
    if code in (POOLED, WITHOUT_LANGUAGE):
        return "all languages" if code == POOLED else "no language"
    name = Locale("en").languages.get(code)
    return f"{name} ({code})" if name else code


def pooled_rows(report: Report) -> list[Row]:
    """Return the rows over all languages: one for each base model, variant and family."""
    return [row for row in report.rows if row.language == POOLED]


def language_rows(report: Report) -> list[Row]:
    """Return the rows of single languages."""
    return [row for row in report.rows if row.language != POOLED]


def language_rows_of_variants(report: Report) -> dict[tuple[str, str], list[Row]]:
    """Return the rows of single languages of each variant that has rows, by base model and name, in the report's order."""
    rows: dict[tuple[str, str], list[Row]] = {(row.base_model, row.variant): [] for row in report.rows}
    for row in language_rows(report):
        rows[row.base_model, row.variant].append(row)
    return rows


def families(rows: Sequence[Row | LeaderboardEntry]) -> list[str]:
    """Return the task families of these rows, in their order."""
    return list(dict.fromkeys(row.family for row in rows))


def _short(base_model: str) -> str:
    if base_model in (EMBEDDED, resolve_pretrained(EMBEDDED)):
        return EMBEDDED
    return base_model.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] or base_model
