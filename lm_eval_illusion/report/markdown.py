"""report.md: the tables with every column explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lm_eval_illusion.report.tables import COLUMNS, language_rows, percent, variant_rows, variants_of


def markdown_report(report: dict[str, Any], notes: Sequence[str]) -> str:
    """The whole report as Markdown; rates are in per cent."""
    parts = [
        "# What is recognised and no longer produced",
        f"Recognition by `{report['recognition_metric']}`, production by `{report['production_metric']}`. Rates in per cent.",
        *(f"> {_escaped(note)}" for note in notes),
        "## Variants, all languages",
        _table(["variant", "family", *COLUMNS], variant_rows(report)),
        "\n".join(f"- **{name}**: {meaning}" for name, meaning in COLUMNS.items()),
        "Intervals take items as independent: where languages ask the same items, those of pooled rows are too narrow.",
    ]
    for base_model, variant in variants_of(report):
        rows = language_rows(report, base_model, variant)
        parts += [
            f"## {_escaped(variant)} of {_escaped(base_model)}, by language",
            _table(["language", "family", *COLUMNS], rows),
        ]
    parts += [
        "## Sparsity",
        _table(["variant", "base model", "pruner", "mask", "asked", "measured", "runs"], _variants(report)),
    ]
    return "\n\n".join(parts) + "\n"


def _variants(report: dict[str, Any]) -> list[list[str]]:
    return [
        [
            entry["variant"],
            entry["base_model"],
            entry["pruner"],
            entry["mask_structure"],
            percent(entry["sparsity_requested"]),
            percent(entry["sparsity_measured"]),
            ", ".join(entry["runs"]),
        ]
        for entry in report["variants"]
    ]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_escaped(cell) for cell in line) + " |" for line in lines)


def _escaped(text: str) -> str:
    """Names come from users and files: nothing in them may become markup."""
    for character in "\\|*`":
        text = text.replace(character, f"\\{character}")
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
