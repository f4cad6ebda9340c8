"""Language of calibration against language of evaluation: variants of one way of pruning that differ in the first alone."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from lm_eval_illusion.results.outcomes import POOLED

ALIKE = (
    *("base_model", "pruner", "sparsity_requested", "mask_structure", "owl_lambda", "owl_m", "pruning_seed"),
    *("calibration_samples", "calibration_length"),
)
"""What variants have in common that differ in the calibration language alone."""
MEASURES = ("production_change", "induced_rate")
FIELDS = (
    *("base_model", "family", "pruner", "sparsity_requested", "mask_structure", "owl_lambda", "owl_m", "pruning_seed"),
    *("calibration_language", "language", "variant", "n", "known"),
    *(f"{name}{part}" for name in MEASURES for part in ("", "_low", "_high")),
)


def by_calibration_language(rows: Sequence[dict[str, Any]], variants: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A table a family and way of pruning of which there are variants with different calibration languages, and nothing else different.

    Where the text comes from isn't compared: from a file or the hub it is another text for each language. A cell is of a
    calibration and an evaluation language; it has the row's `production_change` against the dense model and its `induced_rate`, the
    share of the known items that became recognition-only errors. What was not compared with a dense model has no cell.
    """
    tables = []
    for alike, language_of in _ways_of_pruning(variants).items():
        way = dict(zip(ALIKE, alike, strict=True))
        mine = [
            row for row in rows if row["base_model"] == way["base_model"] and row["variant"] in language_of and row["vs_dense"]
        ]
        for family in dict.fromkeys(row["family"] for row in mine):
            cells = [_cell(language_of[row["variant"]], row) for row in mine if row["family"] == family]
            languages = ordered({cell["calibration_language"] for cell in cells})
            if len(languages) > 1:
                asked = ordered({cell["language"] for cell in cells})
                tables.append({**way, "family": family, "calibration_languages": languages, "languages": asked, "cells": cells})
    return tables


def way_of_pruning(table: dict[str, Any]) -> str:
    """Method and sparsity or mask, OWL's numbers, the seed where it is not the default: 'wanda-2:4', 'owl-0.6, lambda 0.1, m 5, seed 1'."""
    sparsity, mask, seed = (table[name] for name in ("sparsity_requested", "mask_structure", "pruning_seed"))
    share = f"-{sparsity:g}" if sparsity is not None else f"-{mask}" if mask not in (None, "", "0:0") else ""
    owl = f", lambda {table['owl_lambda']:g}, m {table['owl_m']:g}" if table["owl_lambda"] is not None else ""
    return f"{table['pruner']}{share}{owl}" + (f", seed {seed}" if seed else "")


def ordered(languages: Iterable[str]) -> list[str]:
    """Codes in their order, all languages together last."""
    return sorted(languages, key=lambda code: (code == POOLED, code))


def calibration_csv(tables: Sequence[dict[str, Any]]) -> str:
    """A line a cell with the fields FIELDS; shares from 0 to 1; what is undefined is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for table in tables:
        for cell in table["cells"]:
            writer.writerow({**table, **cell, **{name: value for key in MEASURES for name, value in _flat(key, cell[key])}})
    return text.getvalue()


def _ways_of_pruning(variants: Sequence[dict[str, Any]]) -> dict[tuple[Any, ...], dict[str, str]]:
    """What variants have in common -> the calibration language of each by its name."""
    ways: dict[tuple[Any, ...], dict[str, str]] = defaultdict(dict)
    for entry in variants:
        if entry["calibration_language"] is not None:
            ways[tuple(entry[name] for name in ALIKE)][entry["variant"]] = entry["calibration_language"]
    return ways


def _cell(language: str, row: dict[str, Any]) -> dict[str, Any]:
    versus = row["vs_dense"]
    return {
        "calibration_language": language,
        **{name: row[name] for name in ("language", "variant")},
        **{name: versus[name] for name in ("n", "known", *MEASURES)},
    }


def _flat(name: str, rate: dict[str, Any]) -> list[tuple[str, float | None]]:
    low, high = rate["ci"] or (None, None)
    return [(name, rate["value"]), (f"{name}_low", low), (f"{name}_high", high)]
