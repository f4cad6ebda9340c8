"""What base models, languages and variants are called where there is little room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from babel import Locale

from lm_eval_illusion.embedded import EMBEDDED, resolve_pretrained
from lm_eval_illusion.results.outcomes import POOLED

DENSE = "none"
"""The pruner of a dense variant."""
UNDETERMINED = "und"
"""The language of an item whose task names none."""


def short_names(report: dict[str, Any]) -> dict[str, str]:
    """Base model -> its name without organisation or folder; the whole name where two would be called the same."""
    whole = list(dict.fromkeys(row["base_model"] for row in report["rows"]))
    short = {name: _short(name) for name in whole}
    uses = Counter(short.values())
    return {name: short[name] if uses[short[name]] == 1 else name for name in whole}


def language_name(code: str) -> str:
    """'ar' -> 'Arabic (ar)'; a code that has no name stands for itself."""
    if code in (POOLED, UNDETERMINED):
        return "all languages" if code == POOLED else "no language"
    name = Locale("en").languages.get(code)
    return f"{name} ({code})" if name else code


def pooled_rows(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows over all languages: one a base model, variant and family."""
    return [row for row in report["rows"] if row["language"] == POOLED]


def families(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The families of these rows, in their order."""
    return list(dict.fromkeys(row["family"] for row in rows))


def _short(base_model: str) -> str:
    if base_model in (EMBEDDED, resolve_pretrained(EMBEDDED)):
        return EMBEDDED
    return base_model.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] or base_model
