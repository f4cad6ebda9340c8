"""The tables of report.html but for the statistics: leaderboard, demotion, the noise floor, the variants."""

from __future__ import annotations

from typing import Any

from lm_eval_illusion.outcomes import POOLED
from lm_eval_illusion.report.cells import Cell, Column, Table, counted, decimals, rated, shared, table, words
from lm_eval_illusion.report.names import families, language_name, pooled_rows, short_names
from lm_eval_illusion.report.numbers import UNDEFINED, change_with_interval, signed

RANK = "rank"


def identity(report: dict[str, Any]) -> list[Column]:
    """Variant, base model and family; a name that all rows share is left out."""
    names = short_names(report)
    columns = [words("variant", "the method and the sparsity asked for", "variant")]
    if len(names) > 1:
        columns.append(words("base model", "what was pruned", lambda row: names[row["base_model"]]))
    if len(families(pooled_rows(report))) > 1:
        columns.append(words("family", "the items asked", "family"))
    return columns


def named(report: dict[str, Any]) -> Column:
    """The same in one column, for a table of which only the first column always stays in sight."""
    first, *others = identity(report)
    return Column(
        first.name,
        "the method and the sparsity asked for; below it base model and family",
        lambda row: Cell(row["variant"], row["variant"], ", ".join(column.cell(row).text for column in others)),
        number=False,
    )


def language_column() -> Column:
    """The language by name and code."""
    return words("language", "of question and answer", lambda row: language_name(row["language"]))


def leaderboard(report: dict[str, Any]) -> Table | None:
    """Ranked by production; how wrong a ranking by recognition would have been."""
    columns = [
        named(report),
        counted("by production", "1 is best; ties share the lower rank", "rank_by_production", RANK),
        counted("by recognition", "the rank that recognition alone would give", "rank_by_recognition", RANK),
        counted("error", "rank by recognition minus rank by production", "rank_error", RANK, shown=signed),
        rated("produced", "production accuracy, %, with its 95 % interval", "production"),
        rated("recognised", "recognition accuracy, %", "recognition"),
        rated("recognition-only", "share of all items recognised and not produced, %", "recognition_only_rate"),
        shared("sparsity", "measured, %", "sparsity_measured"),
        # Named below the variant already; here to sort by.
        *identity(report)[1:],
    ]
    entries = sorted(report["leaderboard"], key=lambda entry: (entry["family"], entry["rank_by_production"]))
    return table("Leaderboard, ranked by production", columns, entries)


def demotion(report: dict[str, Any]) -> Table | None:
    """The recognition-only errors of each variant: only demoted, or erased."""
    columns = [
        *identity(report),
        counted("errors", "recognition-only errors", lambda row: row["cells"]["recognition_only"]),
        rated("demoted", "recovered by a strategy, or of gold rank at most 10; % of the errors", "demoted"),
        rated("erased", "the others; % of the errors", "erased"),
        counted("median rank", "median gold rank of the errors", lambda row: row["gold_rank"]["median"]),
        counted("90 % within", "the gold rank that 90 % of the errors do not exceed", lambda row: row["gold_rank"]["p90"]),
    ]
    return table("Recognition-only errors: demoted or erased", columns, pooled_rows(report))


def noise_floor(report: dict[str, Any], pooled: bool) -> Table | None:
    """What differs between two dense runs, all languages together or each for itself."""
    rows = [row for row in (report["noise"] or {"rows": []})["rows"] if (row["language"] == POOLED) == pooled]
    names = [column for column in identity(report) if column.name != "variant"]
    columns = [*names, language_column(), counted("n", "items in both runs", "n")]
    for name in ("production", "recognition"):
        columns += _flips(name)
    columns.append(rated("change", "of the illusion gap, points", "gap_change", "gap", change_with_interval))
    return table("Two dense runs: what differs by chance alone", columns, rows)


def variants(report: dict[str, Any]) -> Table | None:
    """What was measured, and which files the numbers come from."""
    columns = [
        words("variant", "the method and the sparsity asked for", "variant"),
        words("base model", "what was pruned", "base_model"),
        words("pruner", "the pruning method; none is the dense model", "pruner"),
        words("mask", "the pattern of the zeros; 0:0 is none", lambda entry: str(entry["mask_structure"] or UNDEFINED)),
        words(
            "calibration", "language of the text it was pruned with", lambda entry: entry["calibration_language"] or UNDEFINED
        ),
        shared("asked", "sparsity asked for, %", "sparsity_requested"),
        shared("measured", "sparsity measured in the pruned layers, %", "sparsity_measured"),
        decimals(
            "bits", "measured: the mean bits of a weight of the linear layers, its dtype's if not quantised", "bits_measured"
        ),
        words("runs", "the results files read", lambda entry: ", ".join(entry["runs"]) or UNDEFINED),
    ]
    return table("Variants and their runs", columns, report["variants"])


def _flips(name: str) -> list[Column]:
    return [
        rated("flips", f"% of the items whose {name} differs", lambda row: row[name]["flips"], name),
        counted("first only", "items right only in the first run", lambda row: row[name]["first_only"], name),
        counted("second only", "items right only in the second run", lambda row: row[name]["second_only"], name),
    ]
