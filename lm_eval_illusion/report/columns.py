"""`Column` and the columns of the report. A column is defined once; terminal, Markdown, page and CSV use the tuples of this module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Flag, auto
from operator import attrgetter
from typing import Any, Generic, TypeVar

from lm_eval_illusion.analysis.records import (
    LeaderboardEntry,
    Row,
    VariantEntry,
)
from lm_eval_illusion.report.column_formats import (
    COUNT,
    DECIMAL,
    LANGUAGE,
    PERCENT,
    SHARE,
    SHARE_BRIEF,
    SIGNED,
    WORD,
    CsvValue,
    Format,
    TableEntry,
)
from lm_eval_illusion.report.strategies import COUNTED, STRATEGIES, Strategy
from lm_eval_illusion.report.validity import mark_of

R = TypeVar("R")


class Output(Flag):
    """Where a column appears. TEXT: terminal and Markdown; PAGE: report.html; CSV: the CSV file of its table, if there is one."""

    TEXT = auto()
    PAGE = auto()
    CSV = auto()
    ALL = TEXT | PAGE | CSV


TEXT, PAGE, CSV = Output


def _no_note(row: object) -> str:
    """Return no note."""
    return ""


@dataclass(frozen=True)
class Column(Generic[R]):
    """A column of a table whose rows are records of type R.

    `key`: its name in CSV files. `explanation`: the meaning of the value, with its unit. `read`: returns the value from a row.
    On the page, columns of the same `group` are together under one heading, each with its `group_heading`; `note` returns
    small print to show after the value.
    """

    key: str
    heading: str
    explanation: str
    read: Callable[[R], Any]
    format: Format
    outputs: Output = Output.ALL
    group: str = ""
    group_heading: str = ""
    note: Callable[[R], str] = _no_note

    @property
    def page_heading(self) -> str:
        """The heading on the page."""
        return self.group_heading or self.heading

    def brief(self, row: R) -> str:
        """Return the value as text for terminal and Markdown."""
        return self.format.brief(self.read(row))

    def entry(self, row: R) -> TableEntry:
        """Return the value as an entry of the page."""
        value = self.read(row)
        return TableEntry(self.format.text(value), self.format.sort(value), self.note(row))

    @property
    def csv_fields(self) -> list[str]:
        """The names of its CSV fields: the key, for a rate also `<key>_low` and `<key>_high`."""
        return [self.key + suffix for suffix in self.format.csv_suffixes]

    def csv_values(self, row: R) -> tuple[CsvValue, ...]:
        """Return the values of its CSV fields: shares from 0 to 1, None where undefined."""
        return self.format.csv(self.read(row))


# Columns that name a row: records of several types have these attributes.
VARIANT: Column[Any] = Column("variant", "variant", "method of compression and requested sparsity", attrgetter("variant"), WORD)
BASE_MODEL: Column[Any] = Column("base_model", "base model", "the model that was compressed", attrgetter("base_model"), WORD)
FAMILY: Column[Any] = Column("family", "family", "the task family", attrgetter("family"), WORD)
ITEM_LANGUAGE: Column[Any] = Column(
    "language", "language", "the language of question and answer", attrgetter("language"), LANGUAGE
)
ANSWER_TYPE: Column[Any] = Column("answer_type", "answer type", "the kind of answer", attrgetter("answer_type"), WORD)


def _recovery(strategy: Strategy) -> Column[Row]:
    explanation = f"share of the recognition-only errors recovered: {strategy.explanation}"
    if strategy.remark:
        explanation += f". {strategy.remark.removesuffix('.')}"
    return Column(strategy.name, strategy.narrow_heading, explanation, strategy.rate, SHARE_BRIEF, TEXT)


def _recovery_columns() -> list[Column[Row]]:
    """Return a column for each strategy. Those that count for `any` are in the order of report.json, which is alphabetical."""
    counted = sorted(COUNTED, key=lambda strategy: strategy.name)
    return [_recovery(strategy) for strategy in (*counted, *STRATEGIES[len(counted) :])]


VALIDITY: Column[Any] = Column(
    "validity",
    "setup",
    "whether the open view of the dense model measures what it knows; a dash where nothing speaks against it",
    mark_of,
    WORD,
)

ROW_COLUMNS: tuple[Column[Row], ...] = (
    VALIDITY,
    Column("n", "n", "number of items", lambda row: row.n, COUNT, TEXT),
    Column(
        "recognition",
        "recognition",
        "share of items whose gold choice has the strictly highest score of the four, or whose letter is the answer (recognised_by_letter)",
        lambda row: row.recognition_accuracy,
        SHARE_BRIEF,
        TEXT,
    ),
    Column(
        "question_blind",
        "blind",
        "the question-blind baseline: recognition with question and passage removed. Above 25, the options give the answer away",
        lambda row: row.question_blind,
        SHARE_BRIEF,
        TEXT,
    ),
    Column(
        "in_passage",
        "in passage",
        "open-book items: expected recognition when picking an option that occurs in the passage",
        lambda row: row.in_passage,
        PERCENT,
        TEXT,
    ),
    Column(
        "production",
        "production",
        "share of items whose greedy open answer matches the answer or an alias",
        lambda row: row.production_accuracy,
        SHARE_BRIEF,
        TEXT,
    ),
    Column(
        "illusion_gap",
        "gap",
        "the illusion gap: recognition minus production, in points",
        lambda row: row.illusion_gap,
        SHARE_BRIEF,
        TEXT,
    ),
    Column(
        "recognition_only_rate",
        "recognition-only",
        "recognition-only rate: share of all items recognised but not produced, with its 95 % interval",
        lambda row: row.recognition_only_rate,
        SHARE,
        TEXT,
    ),
    *_recovery_columns(),
    Column("errors", "errors", "recognition-only errors", lambda row: row.cells.recognition_only, COUNT, PAGE),
    Column(
        "gold_rank",
        "gold rank",
        "median rank of the gold answer's first token after the open prompt, over the recognition-only errors",
        lambda row: row.gold_rank.median,
        COUNT,
    ),
    Column(
        "p90", "90 % within", "the gold rank that 90 % of the errors do not exceed", lambda row: row.gold_rank.p90, COUNT, PAGE
    ),
    Column(
        "demoted",
        "demoted",
        "share of the recognition-only errors that a strategy recovers or whose gold rank is at most 10; the others are erased",
        lambda row: row.demoted,
        SHARE_BRIEF,
    ),
    Column(
        "erased", "erased", "share of the recognition-only errors that are not demoted", lambda row: row.erased, SHARE, PAGE
    ),
)
"""The numbers of a variant, over all languages, in one language or for one answer type."""


RANK = "rank"

LEADERBOARD_COLUMNS: tuple[Column[LeaderboardEntry], ...] = (
    Column(
        "rank_by_production",
        "rank",
        "rank by production within a family; 1 is best, ties share the lower rank",
        lambda entry: entry.rank_by_production,
        COUNT,
        group=RANK,
        group_heading="by production",
    ),
    BASE_MODEL,
    VARIANT,
    FAMILY,
    Column(
        "sparsity_measured",
        "sparsity",
        "measured share of weights removed, in per cent",
        attrgetter("sparsity_measured"),
        PERCENT,
    ),
    Column(
        "production", "production", "production accuracy in per cent, with its interval", lambda entry: entry.production, SHARE
    ),
    Column(
        "recognition",
        "recognition",
        "recognition accuracy in per cent, with its interval",
        lambda entry: entry.recognition,
        SHARE,
    ),
    Column(
        "recognition_only_rate",
        "recognition-only",
        "share of all items recognised but not produced, in per cent, with its interval",
        lambda entry: entry.recognition_only_rate,
        SHARE,
    ),
    Column(
        "rank_by_recognition",
        "rank by recognition",
        "the rank by recognition accuracy alone",
        lambda entry: entry.rank_by_recognition,
        COUNT,
        group=RANK,
        group_heading="by recognition",
    ),
    Column(
        "rank_error",
        "rank error",
        "rank by recognition minus rank by production",
        lambda entry: entry.rank_error,
        SIGNED,
        group=RANK,
        group_heading="error",
    ),
    VALIDITY,
)

VARIANT_COLUMNS: tuple[Column[VariantEntry], ...] = (
    VARIANT,
    BASE_MODEL,
    Column("pruner", "pruner", "the method of compression; none is the dense model", lambda entry: entry.pruner, WORD),
    Column("mask_structure", "mask", "the pattern of the zeros; 0:0 is none", lambda entry: entry.mask_structure, WORD),
    Column(
        "calibration_language",
        "calibration",
        "language of the calibration text",
        lambda entry: entry.calibration_language,
        WORD,
    ),
    Column("sparsity_requested", "requested", "requested sparsity, %", lambda entry: entry.sparsity_requested, PERCENT),
    Column("sparsity_measured", "measured", "measured share of zero weights, %", attrgetter("sparsity_measured"), PERCENT),
    Column(
        "bits_measured",
        "bits",
        "mean bits of a weight of the linear layers, measured; those of its dtype if it is not quantised",
        lambda entry: entry.bits_measured,
        DECIMAL,
    ),
    Column(
        "calibration_source",
        "calibration text",
        "source of the calibration text: embedded, a file or a hub dataset",
        lambda entry: entry.calibration_source,
        WORD,
    ),
    Column("dtype", "dtype", "data type that scores and gold ranks were computed in", lambda entry: entry.dtype, WORD),
    Column("runs", "runs", "the results files that were read", lambda entry: ", ".join(entry.runs), WORD),
)
