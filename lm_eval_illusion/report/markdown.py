"""report.md: the tables with every column explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lm_eval_illusion.report.columns import (
    COLUMNS,
    LEADERBOARD_COLUMNS,
    VERSUS_COLUMNS,
    answer_type_rows,
    language_rows,
    leaderboard_rows,
    variant_rows,
    variants_of,
    versus_language_rows,
    versus_rows,
)
from lm_eval_illusion.report.format import UNDEFINED, decimal, percent, share_with_interval
from lm_eval_illusion.report.headline import headline
from lm_eval_illusion.report.tables import (
    CALIBRATION,
    CALIBRATION_TABLES,
    UNITS,
    calibration_rows,
    calibration_title,
)

HOW_INTERVALS_ARE_MADE = (
    "Intervals are 95 %. Shares have Wilson's, in rows over several languages on the effective number of items, because one item in"
    " several languages is one cluster; gaps and changes have a bootstrap that resamples item ids."
)


def markdown_report(report: dict[str, Any], notes: Sequence[str]) -> str:
    """The whole report as Markdown; rates are in per cent."""
    parts = [
        "# What is recognised and no longer produced",
        _escaped(headline(report)),
        f"Recognition by `{report['recognition_metric']}`, production by `{report['production_metric']}`. Rates in per cent.",
        *(f"> {_escaped(note)}" for note in notes),
        "## Variants, all languages",
        _table(["variant", "family", *COLUMNS], variant_rows(report)),
        _legend(COLUMNS),
        *_section("## Against the dense model", ["variant", "family"], VERSUS_COLUMNS, versus_rows(report)),
        "## Leaderboard",
        leaderboard_table(report),
        _legend(LEADERBOARD_COLUMNS),
        HOW_INTERVALS_ARE_MADE,
        *_noise(report),
        *_calibration(report),
        *_languages(report),
        *_answer_types(report),
        "## Sparsity and bits",
        _table(
            ["variant", "base model", "pruner", "mask", "calibration", "asked", "measured", "bits", "runs"], _variants(report)
        ),
        "Sparsity asked and measured in per cent; bits: measured, the mean of a weight of the linear layers, its dtype's if not quantised.",
    ]
    return "\n\n".join(parts) + "\n"


def leaderboard_table(report: dict[str, Any]) -> str:
    """The leaderboard as a Markdown table, to paste."""
    return _table(list(LEADERBOARD_COLUMNS), leaderboard_rows(report))


def _section(title: str, names: Sequence[str], columns: Mapping[str, str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [title, _table([*names, *columns], rows), _legend(columns)] if rows else []


def _noise(report: dict[str, Any]) -> list[str]:
    if not report["noise"]:
        return []
    header = ["family", "language", "items", "flips of recognition", "flips of production", "flips of the gap"]
    rows = [
        [row["family"], row["language"], str(row["n"])]
        + [share_with_interval(row[name]["flips"]) for name in ("recognition", "production", "gap")]
        for row in report["noise"]["rows"]
    ]
    said = f"Items that flip between two dense runs ({', '.join(report['noise']['runs'])}), in per cent: they mean nothing."
    return ["## Noise floor", _escaped(said), _table(header, rows)]


def _calibration(report: dict[str, Any]) -> list[str]:
    parts = [f"## {CALIBRATION}", _legend(CALIBRATION_TABLES)] if report["calibration_languages"] else []
    for table in report["calibration_languages"]:
        for name in CALIBRATION_TABLES:
            header = ["calibration", *table["languages"]]
            parts += [
                f"### {_escaped(calibration_title(table))}: {name} {UNITS[name]}",
                _table(header, calibration_rows(table, name)),
            ]
    return parts


def _languages(report: dict[str, Any]) -> list[str]:
    parts = []
    for base_model, variant in variants_of(report):
        name = f"{_escaped(variant)} of {_escaped(base_model)}"
        rows = language_rows(report, base_model, variant)
        parts += [f"## {name}, by language", _table(["language", "family", *COLUMNS], rows)] if rows else []
        versus = versus_language_rows(report, base_model, variant)
        parts += (
            [f"### {name} against the dense model", _table(["language", "family", *VERSUS_COLUMNS], versus)] if versus else []
        )
    return parts


def _answer_types(report: dict[str, Any]) -> list[str]:
    rows = answer_type_rows(report)
    return ["## By answer type", _table(["variant", "family", "answer type", *COLUMNS], rows)] if rows else []


def _variants(report: dict[str, Any]) -> list[list[str]]:
    return [
        [
            entry["variant"],
            entry["base_model"],
            entry["pruner"],
            entry["mask_structure"],
            entry["calibration_language"] or UNDEFINED,
            percent(entry["sparsity_requested"]),
            percent(entry["sparsity_measured"]),
            decimal(entry["bits_measured"], 2),
            ", ".join(entry["runs"]),
        ]
        for entry in report["variants"]
    ]


def _legend(columns: Mapping[str, str]) -> str:
    return "\n".join(f"- **{name}**: {meaning}" for name, meaning in columns.items())


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_escaped(cell) for cell in line) + " |" for line in lines)


def _escaped(text: str) -> str:
    """Names come from users and files: nothing in them may become markup."""
    for character in "\\|*`":
        text = text.replace(character, f"\\{character}")
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
