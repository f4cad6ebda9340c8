"""The data of the figures: pooled rows grouped by base model and family, and the lines over sparsity of a group."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lm_eval_illusion.analysis.records import Report, Row, VariantEntry
from lm_eval_illusion.report.figures.svg import width_of
from lm_eval_illusion.report.names import DENSE, families, pooled_rows, short_names
from lm_eval_illusion.report.validity import with_mark
from lm_eval_illusion.results.outcomes import POOLED

UNQUANTISED_BITS = 16
"""Bits of a weight in bfloat16 and float16; fewer mean that the variant is quantised."""
NO_MASK = (None, "", "0:0")

Entries: TypeAlias = Mapping[tuple[str, str], VariantEntry]
"""Base model and variant -> its entry in the report."""


@dataclass(frozen=True)
class Group:
    """The rows of one base model and family, one for each variant.

    `heading` names only what differs between the groups, and has the mark of rows that are not valid.
    """

    heading: str
    rows: list[Row]


@dataclass(frozen=True)
class Method:
    """A line over sparsity: the points of a pruning method, (sparsity from 0 to 1, row), by rising sparsity; the dense one is first."""

    name: str
    points: list[tuple[float, Row]]


@dataclass(frozen=True)
class Panel:
    """The pruning methods of one base model and family."""

    heading: str
    methods: list[Method]


def grouped(report: Report, is_drawn: Callable[[Row], bool]) -> list[Group]:
    """Group the pooled rows for which `is_drawn` is true, in the report's order."""
    rows = [row for row in pooled_rows(report) if is_drawn(row)]
    names = short_names(report)
    several_families = len(families(rows)) > 1
    by_group: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_group.setdefault((row.base_model, row.family), []).append(row)
    return [
        Group(with_mark(f"{names[base_model]}, {family}" if several_families else names[base_model], members), members)
        for (base_model, family), members in by_group.items()
    ]


def label_width(groups: Sequence[Group], width: float) -> float:
    """Return the width in pixels of a column with the variants' names, in a drawing of this width."""
    return column_width([row.variant for group in groups for row in group.rows], width)


def column_width(names: Sequence[str], width: float) -> float:
    """Return the width of a column of names: that of the longest name, at most a third of the drawing."""
    return min(max(map(width_of, names)) + 12, width / 3)


def panels(report: Report) -> list[Panel]:
    """Return a panel for each base model and family that has a pruned variant of known sparsity."""
    entries = {(entry.base_model, entry.variant): entry for entry in report.variants}
    found = [Panel(group.heading, _methods(group, entries)) for group in grouped(report, lambda row: _is_drawn(row, entries))]
    return [panel for panel in found if panel.methods]


def _methods(group: Group, entries: Entries) -> list[Method]:
    by_name: dict[str, list[tuple[float, Row]]] = {}
    for row in group.rows:
        entry = entries[row.base_model, row.variant]
        by_name.setdefault(_method(entry), []).append((_sparsity(entry) or 0.0, row))
    dense = by_name.pop(DENSE, [])
    return [Method(name, sorted([*dense, *points], key=lambda point: point[0])) for name, points in by_name.items()]


def _is_drawn(row: Row, entries: Entries) -> bool:
    measured = row.recognition_accuracy.value is not None and row.production_accuracy.value is not None
    return measured and _sparsity(entries[row.base_model, row.variant]) is not None


def _sparsity(entry: VariantEntry) -> float | None:
    """Return the measured sparsity, else the requested one; 0 for a dense model without either.

    None for a variant that is quantised only, because zeros from rounding are not sparsity, and for a number that is no share of weights.
    """
    if entry.pruner == DENSE:
        sparsity: float | None = entry.sparsity_measured or 0.0
    elif _is_only_quantised(entry):
        return None
    else:
        sparsity = entry.sparsity_measured if entry.sparsity_measured is not None else entry.sparsity_requested
    return float(sparsity) if sparsity is not None and 0 <= sparsity <= 1 else None


def _is_only_quantised(entry: VariantEntry) -> bool:
    is_pruned = entry.sparsity_requested is not None or entry.mask_structure not in NO_MASK
    return not is_pruned and (entry.bits_measured or UNQUANTISED_BITS) < UNQUANTISED_BITS


def _method(entry: VariantEntry) -> str:
    """Return 'wanda', 'wanda 2:4' with a mask pattern, 'wanda cal=en' where the calibration text is in one language."""
    if entry.pruner == DENSE:
        return DENSE
    mask = "" if entry.mask_structure in NO_MASK else f" {entry.mask_structure}"
    language = "" if entry.calibration_language in (None, POOLED) else f" cal={entry.calibration_language}"
    return f"{entry.pruner}{mask}{language}"
