"""The tables of a report as text cells, the same on the terminal and in Markdown.

Tables for the page: columns with their meaning, cells with a text and what they sort by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lm_eval_illusion.report.format import (
    UNDEFINED,
    change_with_interval,
    count,
    decimal,
    p_value,
    percent,
    points,
    share_with_interval,
)
from lm_eval_illusion.results.outcomes import POOLED

Entry = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """`order` is what the column sorts by, None where undefined; `note` stands small behind the text."""

    text: str
    order: float | str | None
    note: str = ""


@dataclass(frozen=True)
class Column:
    """A heading, what it means, and how an entry becomes its cell. Columns of one `group` share a heading above theirs."""

    name: str
    meaning: str
    cell: Callable[[Entry], Cell]
    group: str = ""
    number: bool = True


@dataclass(frozen=True)
class Table:
    """What the template shows; `groups` are headings with the count of columns under each, empty where there are none."""

    caption: str
    columns: list[Column]
    groups: list[tuple[str, int]]
    rows: list[list[Cell]]


def table(caption: str, columns: Sequence[Column], entries: Sequence[Entry]) -> Table | None:
    """The table of these entries without the columns that are undefined in all of them; None of no entry."""
    if not entries:
        return None
    cells = [[column.cell(entry) for column in columns] for entry in entries]
    keep = [place for place in range(len(columns)) if any(row[place].text != UNDEFINED for row in cells)]
    kept = [columns[place] for place in keep]
    return Table(caption, kept, _groups(kept), [[row[place] for place in keep] for row in cells])


def words(name: str, meaning: str, key: str | Callable[[Entry], str]) -> Column:
    """A column of text."""
    read = key if callable(key) else lambda entry: str(entry[key])
    return Column(name, meaning, lambda entry: Cell(read(entry), read(entry)), number=False)


def counted(
    name: str,
    meaning: str,
    key: str | Callable[[Entry], float | None],
    group: str = "",
    shown: Callable[[float | None], str] = count,
) -> Column:
    """A column of counts or ranks."""
    return _of(name, meaning, key, shown, group)


def shared(name: str, meaning: str, key: str | Callable[[Entry], float | None], group: str = "") -> Column:
    """A column of shares without interval, in per cent."""
    return _of(name, meaning, key, percent, group)


def p_valued(name: str, meaning: str, key: str | Callable[[Entry], float | None], group: str = "") -> Column:
    """A column of p values."""
    return _of(name, meaning, key, p_value, group)


def decimals(name: str, meaning: str, key: str | Callable[[Entry], float | None], group: str = "") -> Column:
    """A column of plain numbers."""
    return _of(name, meaning, key, lambda value: decimal(value, 2), group)


def rated(
    name: str,
    meaning: str,
    key: str | Callable[[Entry], Entry | None],
    group: str = "",
    shown: Callable[[Entry | None], str] = share_with_interval,
    note: Callable[[Entry], str] = lambda entry: "",
) -> Column:
    """A column of rates with their intervals."""
    read = _reader(key)
    return Column(name, meaning, lambda entry: Cell(shown(read(entry)), (read(entry) or {}).get("value"), note(entry)), group)


def _of(name: str, meaning: str, key: Any, shown: Callable[[float | None], str], group: str) -> Column:
    read = _reader(key)
    return Column(name, meaning, lambda entry: Cell(shown(read(entry)), read(entry)), group)


def _reader(key: Any) -> Callable[[Entry], Any]:
    return key if callable(key) else lambda entry: entry[key]


def _groups(columns: Sequence[Column]) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for column in columns:
        if found and found[-1][0] == column.group:
            found[-1] = (column.group, found[-1][1] + 1)
        else:
            found.append((column.group, 1))
    return found if any(name for name, _ in found) else []


COLUMNS = {
    "n": "items asked",
    "recognition": "share of items whose gold choice has the strictly highest score of the four",
    "blind": "the question-blind baseline: recognition with question and passage removed. What stands above 25 the options give away",
    "in passage": "open-book items: expected recognition of who picks an option that stands in the passage",
    "production": "share of items whose greedy open answer matches the answer or an alias",
    "gap": "the illusion gap: recognition minus production, in points",
    "rec-only": "recognition-only rate: share of all items recognised but not produced, with its 95 % interval",
    "beam": "share of the recognition-only errors that one of the best beams answers",
    "oneshot": "the same for the greedy answer after one in-context example",
    "sample": "the same for one of the samples",
    "any": "the same for any of these three strategies",
    "candidates": "the same for the greedy answer with the four options shown, the answer among them: not counted in any",
    "w/o gold": "its control: the same with the three distractors alone",
    "gold rank": "median rank of the gold answer's first token after the open prompt, over the recognition-only errors",
    "demoted": "share of the recognition-only errors that a strategy recovers or whose gold rank is at most 10; the rest is erased",
}


VERSUS_COLUMNS = {
    "known": "items that the dense model produces",
    "retained": "share of the known items that are still produced",
    "induced": "induced recognition-only errors: share of the known items no longer produced and still recognised, with its interval",
    "lost": "share of the known items neither produced nor recognised",
    "recognition ±": "change of the recognition accuracy, pruned minus dense, in points, with its interval",
    "production ±": "change of the production accuracy, the same",
    "gap ±": "change of the illusion gap, the same",
    "p recognition": "McNemar's test of the change of recognition (over languages for clustered pairs; by language, Holm-corrected)",
    "p production": "the same of the change of production",
    "smallest": "the smallest change of production that this many items would show with 80 % power, in points",
    "noise": "which changes clear the noise floor: R recognition, P production, G gap; a dash where none does or no --noise was given",
}

LEADERBOARD_COLUMNS = {
    "rank": "rank by production, within a family",
    "model": "base model",
    "variant": "dense, or how it was pruned",
    "family": "family of tasks",
    "sparsity": "measured share of weights removed, in per cent",
    "production": "production accuracy with its interval",
    "recognition": "recognition accuracy with its interval",
    "rec-only": "recognition-only rate with its interval",
    "rank by recognition": "what recognition alone would have made of it",
    "off by": "rank by recognition minus rank by production",
}


def variant_rows(report: dict[str, Any]) -> list[list[str]]:
    """A row a variant and family: names, then COLUMNS, over all languages."""
    return [[row["variant"], row["family"], *_cells(row)] for row in report["rows"] if row["language"] == POOLED]


def language_rows(report: dict[str, Any], base_model: str, variant: str) -> list[list[str]]:
    """A row a language of one variant: family and language, then COLUMNS."""
    return [
        [row["language"], row["family"], *_cells(row)]
        for row in report["rows"]
        if (row["base_model"], row["variant"]) == (base_model, variant) and row["language"] != POOLED
    ]


def variants_of(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Base model and variant, in the report's order."""
    return list(dict.fromkeys((row["base_model"], row["variant"]) for row in report["rows"]))


def versus_rows(report: dict[str, Any], rows_of: str = "rows") -> list[list[str]]:
    """A row a compared variant and family: names, then VERSUS_COLUMNS, over all languages."""
    pooled = [row for row in report[rows_of] if row["language"] == POOLED and row["vs_dense"]]
    return [[row["variant"], row["family"], *_versus_cells(row["vs_dense"])] for row in pooled]


def versus_language_rows(report: dict[str, Any], base_model: str, variant: str) -> list[list[str]]:
    """A row a language of one variant: language and family, then VERSUS_COLUMNS."""
    return [
        [row["language"], row["family"], *_versus_cells(row["vs_dense"])]
        for row in report["rows"]
        if (row["base_model"], row["variant"]) == (base_model, variant) and row["language"] != POOLED and row["vs_dense"]
    ]


def answer_type_rows(report: dict[str, Any]) -> list[list[str]]:
    """A row a variant, family and answer type: names, then COLUMNS."""
    return [[row["variant"], row["family"], row["answer_type"], *_cells(row)] for row in report["answer_type_rows"]]


def leaderboard_rows(report: dict[str, Any]) -> list[list[str]]:
    """A row an entry: LEADERBOARD_COLUMNS."""
    return [
        [
            str(entry["rank_by_production"]),
            *(entry[name] for name in ("base_model", "variant", "family")),
            percent(entry["sparsity_measured"]),
            *(share_with_interval(entry[name]) for name in ("production", "recognition", "recognition_only_rate")),
            str(entry["rank_by_recognition"]),
            f"{entry['rank_error']:+d}" if entry["rank_error"] else "0",
        ]
        for entry in report["leaderboard"]
    ]


def _versus_cells(versus: dict[str, Any]) -> list[str]:
    tests = (versus["mcnemar_recognition"], versus["mcnemar_production"])
    smallest = versus["smallest_effect"]["production"]
    noise = versus["clears_noise"] or {}
    cleared = "".join(name[0].upper() for name in ("recognition", "production", "gap") if noise.get(name))
    return [
        count(versus["known"]),
        percent(versus["retained_rate"]["value"]),
        share_with_interval(versus["induced_rate"]),
        percent(versus["lost_rate"]["value"]),
        *(change_with_interval(versus[f"{name}_change"]) for name in ("recognition", "production", "gap")),
        *(p_value(test["p"] if test["p_holm"] is None else test["p_holm"]) for test in tests),
        UNDEFINED if smallest is None else points(smallest),
        cleared or UNDEFINED,
    ]


def _cells(row: dict[str, Any]) -> list[str]:
    strategies = ("beam", "oneshot", "sample", "any", "candidates")
    recovery = [percent(row["recovery"].get(name, {}).get("value")) for name in strategies]
    rank = row["gold_rank"]["median"]
    return [
        str(row["n"]),
        percent(row["recognition_accuracy"]["value"]),
        percent(row["question_blind"]["value"]),
        percent(row["in_passage"]),
        percent(row["production_accuracy"]["value"]),
        percent(row["illusion_gap"]["value"]),
        share_with_interval(row["recognition_only_rate"]),
        *recovery,
        percent(row["candidates_without_gold"]["value"]),
        UNDEFINED if rank is None else f"{rank:g}",
        percent(row["demoted"]["value"]),
    ]
