"""Pooled rows as lines over sparsity: a pruning method's variants, from the dense one on.

Rows of a report in groups that are drawn together: a group a base model and family, a row a variant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lm_eval_illusion.report.figures.svg import width_of
from lm_eval_illusion.report.names import DENSE, families, pooled_rows, short_names
from lm_eval_illusion.results.outcomes import POOLED

Row = dict[str, Any]


@dataclass(frozen=True)
class Group:
    """The variants of a base model on a family; `heading` says only what tells the groups apart."""

    heading: str
    rows: list[Row]


def grouped(report: dict[str, Any], wanted: Callable[[Row], bool]) -> list[Group]:
    """The groups of the wanted pooled rows, in the report's order."""
    rows = [row for row in pooled_rows(report) if wanted(row)]
    names = short_names(report)
    several_families = len(families(rows)) > 1
    by_group: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_group.setdefault((row["base_model"], row["family"]), []).append(row)
    return [
        Group(f"{names[base_model]}, {family}" if several_families else names[base_model], members)
        for (base_model, family), members in by_group.items()
    ]


def label_room(groups: Sequence[Group], width: float) -> float:
    """The room of a column of the groups' variants."""
    return name_room([row["variant"] for group in groups for row in group.rows], width)


def name_room(names: Sequence[str], width: float) -> float:
    """How wide a column of names is: as the longest, but at most a third of the drawing."""
    return min(max(map(width_of, names)) + 12, width / 3)


# Of bfloat16 and float16.
UNQUANTISED_BITS = 16


@dataclass(frozen=True)
class Method:
    """One line: its variants' sparsities and rows, by sparsity."""

    name: str
    points: list[tuple[float, Row]]


@dataclass(frozen=True)
class Panel:
    """The methods that a base model was pruned with, measured on one family."""

    heading: str
    methods: list[Method]


def panels(report: dict[str, Any]) -> list[Panel]:
    """A panel a base model and family; one without a pruned variant of known sparsity is left out."""
    variants = {(entry["base_model"], entry["variant"]): entry for entry in report["variants"]}
    found = [Panel(group.heading, _methods(group, variants)) for group in grouped(report, lambda row: _drawable(row, variants))]
    return [panel for panel in found if panel.methods]


def _methods(group: Group, variants: dict[tuple[str, str], Row]) -> list[Method]:
    by_name: dict[str, list[tuple[float, Row]]] = {}
    for row in group.rows:
        by_name.setdefault(_method(_entry(row, variants)), []).append((_sparsity(_entry(row, variants)) or 0.0, row))
    dense = by_name.pop(DENSE, [])
    return [Method(name, _by_sparsity([*dense, *points])) for name, points in by_name.items()]


def _by_sparsity(points: Sequence[tuple[float, Row]]) -> list[tuple[float, Row]]:
    return sorted(points, key=lambda point: point[0])


def _drawable(row: Row, variants: dict[tuple[str, str], Row]) -> bool:
    measured = all(row[f"{name}_accuracy"]["value"] is not None for name in ("recognition", "production"))
    return measured and _sparsity(_entry(row, variants)) is not None


def _entry(row: Row, variants: dict[tuple[str, str], Row]) -> Row:
    return variants[row["base_model"], row["variant"]]


def _sparsity(entry: Row) -> float | None:
    """Measured; where the backend did not measure it, as asked. A dense model has none; rounding's zeros are no sparsity."""
    if entry["pruner"] == DENSE:
        return entry["sparsity_measured"] or 0.0
    if _is_only_quantised(entry):
        return None
    known = entry["sparsity_measured"] if entry["sparsity_measured"] is not None else entry["sparsity_requested"]
    return float(known) if known is not None else None


def _is_only_quantised(entry: Row) -> bool:
    is_pruned = entry["sparsity_requested"] is not None or entry["mask_structure"] not in (None, "", "0:0")
    return not is_pruned and (entry["bits_measured"] or UNQUANTISED_BITS) < UNQUANTISED_BITS


def _method(entry: Row) -> str:
    """'wanda', 'wanda 2:4' where the zeros have a pattern, 'wanda cal=en' where it was calibrated in one language."""
    mask, language = entry["mask_structure"], entry["calibration_language"]
    if entry["pruner"] == DENSE:
        return DENSE
    pattern = "" if mask in (None, "", "0:0") else f" {mask}"
    return f"{entry['pruner']}{pattern}" + ("" if language in (None, POOLED) else f" cal={language}")
