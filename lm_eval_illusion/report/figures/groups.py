"""Rows of a report in groups that are drawn together: a group a base model and family, a row a variant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lm_eval_illusion.report.figures.lettering import width_of
from lm_eval_illusion.report.names import families, pooled_rows, short_names

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
