"""The tables of each pruned variant against its dense model: pooled, by language, by answer type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lm_eval_illusion.outcomes import POOLED
from lm_eval_illusion.report.cells import Cell, Column, Entry, Table, counted, decimals, p_valued, rated, shared, table, words
from lm_eval_illusion.report.names import pooled_rows
from lm_eval_illusion.report.numbers import UNDEFINED, change_with_interval, count, decimal_with_interval
from lm_eval_illusion.report.page_tables import language_column, named

KNOWN = "known items, %"
RANK = "median gold rank"
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
        counted("dense", "of the known items", _vs("gold_rank", "dense", "median"), RANK),
        counted("pruned", "of the known items", _vs("gold_rank", "pruned", "median"), RANK),
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
        Column("flips", "items right only when dense : only when pruned", lambda row: _flips(row["vs_dense"][test]), name),
        p_valued("p", "McNemar's test", _vs(test, "p"), name),
        p_valued("Holm p", "McNemar's test, corrected over the languages", _vs(test, "p_holm"), name),
        shared("visible", "the smallest true change, in points, that these items show with 80 % power", least, name),
    ]


def _flips(test: Entry) -> Cell:
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
