"""The report in one sentence: what happened to the worst variant, with numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lm_eval_illusion.report.format import count, decimal, percent
from lm_eval_illusion.report.names import DENSE, families, pooled_rows, short_names

Row = dict[str, Any]


def headline(report: dict[str, Any]) -> str:
    """One plain sentence on the variant whose illusion gap grew most, or, where no dense run was given, is widest."""
    row = worst_row(report)
    if row is None:
        return "Nothing was measured: no item has a defined recognition and production."
    name = f"{row['variant']} of {short_names(report)[row['base_model']]}"
    if len(families(pooled_rows(report))) > 1:
        name += f", on {row['family']}"
    if _gap_change(row) is not None:
        return f"{name}: {_changes(row['vs_dense'])}; {_what_became_of_the_known(row['vs_dense'])}."
    missing = "no pruned variant was given" if _is_dense(report, row) else "no dense run was given to compare it with"
    return f"{name}: {_levels(row)}; {missing}."


def worst_row(report: dict[str, Any]) -> Row | None:
    """The pooled row that the headline is about; None where nothing is defined."""
    rows = pooled_rows(report)
    pruned = [row for row in rows if not _is_dense(report, row)]
    return _largest(pruned, _gap_change) or _largest(pruned, _gap) or _largest(rows, _gap)


def _largest(rows: Sequence[Row], key: Callable[[Row], float | None]) -> Row | None:
    defined = [(value, row) for row in rows if (value := key(row)) is not None]
    return max(defined, key=lambda pair: pair[0])[1] if defined else None


def _gap_change(row: Row) -> float | None:
    value: float | None = row["vs_dense"]["gap_change"]["value"] if row["vs_dense"] else None
    return value


def _gap(row: Row) -> float | None:
    value: float | None = row["illusion_gap"]["value"]
    return value


def _is_dense(report: dict[str, Any], row: Row) -> bool:
    names = (row["base_model"], row["variant"])
    return any(v["pruner"] == DENSE and (v["base_model"], v["variant"]) == names for v in report["variants"])


def _changes(vs_dense: dict[str, Any]) -> str:
    """'recognition fell by 17.2 points, production by 55.4': the verb and the unit are said once."""
    parts: list[str] = []
    said = ""
    for name in ("recognition", "production"):
        size = decimal(100 * abs(vs_dense[f"{name}_change"]["value"]))
        verb = "fell" if vs_dense[f"{name}_change"]["value"] < 0 else "rose"
        unit = "" if said else " point" if size == "1.0" else " points"
        if size == "0.0":
            parts.append(f"{name} did not change")
        else:
            parts.append(f"{name} by {size}" if said == verb else f"{name} {verb} by {size}{unit}")
            said = verb
    return ", ".join(parts)


def _what_became_of_the_known(vs_dense: dict[str, Any]) -> str:
    known, induced = vs_dense["known"], vs_dense["induced_recognition_only"]
    if not known:
        return "the dense model gave no right answer, so there was none to lose"
    which = f"of {count(known)} {'answer' if known == 1 else 'answers'} that the dense model gave"
    if not induced:
        return f"{which}, none is still recognised and no longer said"
    verb = "is" if induced == 1 else "are"
    return f"{which}, {count(induced)} ({percent(induced / known, 0)} %) {verb} still recognised and no longer said"


def _levels(row: Row) -> str:
    recognised, produced = (percent(row[f"{name}_accuracy"]["value"]) for name in ("recognition", "production"))
    gap = decimal(100 * row["illusion_gap"]["value"])
    return f"{recognised} % of {count(row['n'])} items are recognised, {produced} % produced, a gap of {gap} points"
