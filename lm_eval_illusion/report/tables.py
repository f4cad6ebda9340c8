"""Language of calibration (rows) against language of evaluation (columns), as text and for the page.

The tables of report.html but for the statistics: leaderboard, demotion, the noise floor, the variants.

The tables of each pruned variant against its dense model: pooled, by language, by answer type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lm_eval_illusion.analysis.calibration_language import way_of_pruning
from lm_eval_illusion.report.columns import Cell, Column, Entry, Table, counted, decimals, p_valued, rated, shared, table, words
from lm_eval_illusion.report.format import (
    UNDEFINED,
    change_with_interval,
    count,
    decimal_with_interval,
    percent,
    points,
    signed,
)
from lm_eval_illusion.report.names import families, language_name, pooled_rows, short_names
from lm_eval_illusion.results.outcomes import POOLED

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


KNOWN = "known items, %"
MEDIAN_RANK = "median gold rank"
DROP = "log-probability drop"


def pooled_statistics(report: dict[str, Any]) -> Table | None:
    """A row a pruned variant and family, all languages together."""
    return _statistics("Against the dense model, all languages", [named(report)], pooled_rows(report))


def language_statistics(report: dict[str, Any]) -> Table | None:
    """A row a pruned variant, family and language."""
    rows = [row for row in report["rows"] if row["language"] != POOLED]
    return _statistics("Against the dense model, by language", [named(report), language_column()], rows)


def answer_type_statistics(report: dict[str, Any]) -> Table | None:
    """A row a pruned variant, family and answer type."""
    kind = words("answer type", "what kind of answer", lambda row: str(row["answer_type"] or UNDEFINED))
    return _statistics("Against the dense model, by answer type", [named(report), kind], report["answer_type_rows"])


def _statistics(caption: str, names: Sequence[Column], rows: Sequence[Entry]) -> Table | None:
    columns = [
        *names,
        counted("known", "items that the dense model produces", _vs("known"), KNOWN),
        rated("retained", "still produced", _vs("retained_rate"), KNOWN),
        rated("induced", "induced recognition-only errors: recognised, no longer produced", _vs("induced_rate"), KNOWN),
        rated("lost", "neither produced nor recognised", _vs("lost_rate"), KNOWN),
        *_change("production"),
        *_change("recognition"),
        rated("change", "of the illusion gap, points", _vs("gap_change"), "gap", change_with_interval, _within_noise("gap")),
        counted("dense", "of the known items", _vs("gold_rank", "dense", "median"), MEDIAN_RANK),
        counted("pruned", "of the known items", _vs("gold_rank", "pruned", "median"), MEDIAN_RANK),
        rated("mean", "of the answer, on known items, nats", _vs("logprob_drop", "mean"), DROP, decimal_with_interval),
        decimals("median", "of the answer, on known items, nats", _vs("logprob_drop", "median"), DROP),
    ]
    return table(caption, columns, [row for row in rows if row["vs_dense"]])


def _change(name: str) -> list[Column]:
    test = f"mcnemar_{name}"
    change = _vs(f"{name}_change")
    least = _vs("smallest_effect", name)
    return [
        rated("change", "pruned minus dense, points", change, name, change_with_interval, _within_noise(name)),
        Column(
            "flips",
            "items right only when dense : only when pruned",
            lambda row: _test_flips(row["vs_dense"][test]),
            name,
        ),
        p_valued("p", "McNemar's test", _vs(test, "p"), name),
        p_valued("Holm p", "McNemar's test, corrected over the languages", _vs(test, "p_holm"), name),
        shared("visible", "the smallest true change, in points, that these items show with 80 % power", least, name),
    ]


def _test_flips(test: Entry) -> Cell:
    """Sorted by what was lost on balance."""
    lost, gained = test["dense_only"], test["pruned_only"]
    return Cell(f"{count(lost)} : {count(gained)}", lost - gained)


def _within_noise(name: str) -> Callable[[Entry], str]:
    """Marks a change that is no larger than what two dense runs differ by."""
    return lambda row: "within noise" if (row["vs_dense"]["clears_noise"] or {}).get(name) is False else ""


def _vs(*keys: str) -> Callable[[Entry], Any]:
    def read(row: Entry) -> Any:
        value: Any = row["vs_dense"]
        for key in keys:
            value = value[key]
        return value

    return read


CALIBRATION = "Language of calibration against language of evaluation"
CALIBRATION_TABLES = {
    "production": "change of the production accuracy against the dense model, in points",
    "induced": "induced recognition-only errors: share of the known items no longer produced and still recognised, in per cent",
}
UNITS = {"production": "against dense, points", "induced": "recognition-only errors, %"}
_MEASURE: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "production": ("production_change", points),
    "induced": ("induced_rate", percent),
}


def calibration_title(of: dict[str, Any]) -> str:
    """'wanda-0.6 of org/model, mqa_illusion'."""
    return f"{way_of_pruning(of)} of {of['base_model']}, {of['family']}"


def calibration_rows(of: dict[str, Any], name: str) -> list[list[str]]:
    """A row a calibration language: its code, then a cell a language asked. `name`: of CALIBRATION_TABLES."""
    measure, shown = _MEASURE[name]
    values = {(cell["calibration_language"], cell["language"]): cell[measure]["value"] for cell in of["cells"]}
    return [
        [calibrated, *(shown(values.get((calibrated, language))) for language in of["languages"])]
        for calibrated in of["calibration_languages"]
    ]


def calibration_page_table(report: dict[str, Any]) -> Table | None:
    """A row a cell, with its intervals, to sort."""
    columns = [
        *identity(report),
        words("calibrated", "language of the calibration text", lambda cell: language_name(cell["calibration_language"])),
        words("asked", "language of question and answer", lambda cell: language_name(cell["language"])),
        counted("n", "items that both were asked", "n"),
        rated("production", "change against the dense model, points", "production_change", shown=change_with_interval),
        counted("known", "items that the dense model produces", "known"),
        rated("induced", "induced recognition-only errors, % of the known items", "induced_rate"),
    ]
    cells = [{**of, **cell} for of in report["calibration_languages"] for cell in of["cells"]]
    return table(CALIBRATION, columns, cells)
