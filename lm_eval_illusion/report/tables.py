"""The tables of the report: which columns and rows make each of them, as text for terminal and Markdown and as tables of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic

from lm_eval_illusion.analysis.calibration_language import setting_name
from lm_eval_illusion.analysis.records import CalibrationTable, Report, Row
from lm_eval_illusion.report.calibration_measures import CALIBRATION_MEASURES, CalibrationRow
from lm_eval_illusion.report.column_formats import TableEntry
from lm_eval_illusion.report.columns import (
    ANSWER_TYPE,
    BASE_MODEL,
    FAMILY,
    ITEM_LANGUAGE,
    LEADERBOARD_COLUMNS,
    ROW_COLUMNS,
    VALIDITY,
    VARIANT,
    VARIANT_COLUMNS,
    Column,
    Output,
    R,
)
from lm_eval_illusion.report.comparison_columns import CALIBRATION_COLUMNS, DENSE_COLUMNS, DIVERGENCE_COLUMNS, NOISE_COLUMNS
from lm_eval_illusion.report.failure_columns import FAILURE_COLUMNS
from lm_eval_illusion.report.format import UNDEFINED
from lm_eval_illusion.report.judge_columns import JUDGE, JUDGE_COLUMNS, JudgedRow, judged_rows
from lm_eval_illusion.report.names import families, language_rows, pooled_rows, short_names
from lm_eval_illusion.report.rule_columns import AT_PRODUCTION, JUDGE_PRODUCTION, RULE_COLUMNS, with_rules
from lm_eval_illusion.report.validity import with_mark
from lm_eval_illusion.results.outcomes import POOLED


@dataclass(frozen=True)
class TextTable(Generic[R]):
    """A table for terminal and Markdown: columns and a text for each row and column. The first `names` columns name the row."""

    columns: list[Column[R]]
    names: int
    rows: list[list[str]]


def text_table(names: Sequence[Column[R]], columns: Sequence[Column[R]], rows: Sequence[R]) -> TextTable[R]:
    """Return a table of the naming columns and of those `columns` that appear in text; without the marks if no row has one."""
    text_columns = [*names, *(column for column in columns if Output.TEXT in column.outputs)]
    if VALIDITY in text_columns and not any(map(VALIDITY.read, rows)):
        text_columns.remove(VALIDITY)
    return TextTable(text_columns, len(names), [[column.brief(row) for column in text_columns] for row in rows])


def variant_table(report: Report) -> TextTable[Row]:
    """Return the table with a row for each variant and family, over all languages."""
    return text_table([VARIANT, FAMILY], ROW_COLUMNS, pooled_rows(report))


def language_table(rows: Sequence[Row]) -> TextTable[Row]:
    """Return the table of one variant with a row for each language and family. `rows`: the variant's rows of single languages.

    Beside production it has production by exact match and by a judge, where they are known.
    """
    at = next(index for index, column in enumerate(ROW_COLUMNS) if column.key == "production") + 1
    known = [column for column in AT_PRODUCTION if any(column.brief(row) != UNDEFINED for row in rows)]
    return text_table([ITEM_LANGUAGE, FAMILY], [*ROW_COLUMNS[:at], *known, *ROW_COLUMNS[at:]], rows)


def rule_table(report: Report) -> TextTable[Row]:
    """Return the table of the rules that decide with a row for each variant and family, over all languages."""
    return text_table([VARIANT, FAMILY], _rule_columns(pooled_rows(report)), with_rules(pooled_rows(report)))


def rule_language_table(rows: Sequence[Row]) -> TextTable[Row]:
    """Return the same for rows of single languages of one variant."""
    return text_table([ITEM_LANGUAGE, FAMILY], _rule_columns(rows), with_rules(rows))


def _rule_columns(rows: Sequence[Row]) -> list[Column[Row]]:
    """Return the columns of the rules, without the judge where there is none."""
    return [column for column in RULE_COLUMNS if column is not JUDGE_PRODUCTION or any(map(JUDGE_PRODUCTION.read, rows))]


def answer_type_table(report: Report) -> TextTable[Row]:
    """Return the table with a row for each variant, family and answer type."""
    return text_table([VARIANT, FAMILY, ANSWER_TYPE], ROW_COLUMNS, report.answer_type_rows)


def failure_table(report: Report) -> TextTable[Row]:
    """Return the table of the failure modes with a row for each variant and family, over all languages."""
    return text_table([VARIANT, FAMILY], FAILURE_COLUMNS, [row for row in pooled_rows(report) if row.failure_modes])


def failure_language_table(rows: Sequence[Row]) -> TextTable[Row]:
    """Return the same for rows of single languages of one variant."""
    return text_table([ITEM_LANGUAGE, FAMILY], FAILURE_COLUMNS, [row for row in rows if row.failure_modes])


def judge_table(report: Report) -> TextTable[JudgedRow]:
    """Return the table of the rules against each judge with a row for each variant and family, over all languages."""
    return text_table([VARIANT, FAMILY, JUDGE], JUDGE_COLUMNS, judged_rows(pooled_rows(report)))


def tables_of_judges(report: Report) -> dict[str, TextTable[JudgedRow]]:
    """Return the same as a table for each judge, by its name: a name as a column takes much of the width of a terminal."""
    rows = judged_rows(pooled_rows(report))
    names = dict.fromkeys(row.judge for row in rows)
    return {name: text_table([VARIANT, FAMILY], JUDGE_COLUMNS, [row for row in rows if row.judge == name]) for name in names}


def judge_language_table(rows: Sequence[Row]) -> TextTable[JudgedRow]:
    """Return the same for rows of single languages of one variant."""
    return text_table([ITEM_LANGUAGE, FAMILY, JUDGE], JUDGE_COLUMNS, judged_rows(rows))


def dense_table(report: Report) -> TextTable[Row]:
    """Return the table with a row for each variant and family that was compared with a dense model, over all languages."""
    return text_table([VARIANT, FAMILY], DENSE_COLUMNS, [row for row in pooled_rows(report) if row.vs_dense])


def dense_language_table(rows: Sequence[Row]) -> TextTable[Row]:
    """Return the same for those of the rows that were compared with a dense model."""
    return text_table([ITEM_LANGUAGE, FAMILY], DENSE_COLUMNS, [row for row in rows if row.vs_dense])


def divergence_table(report: Report) -> TextTable[Row]:
    """Return the table of the divergence and what became of the known items, with a row for each variant and family that has one."""
    return text_table([VARIANT, FAMILY], DIVERGENCE_COLUMNS, _with_divergence(report))


def leaderboard_table(report: Report) -> TextTable[Any]:
    """Return the table with a row for each leaderboard entry."""
    return text_table([], LEADERBOARD_COLUMNS, report.leaderboard)


def noise_table(report: Report) -> TextTable[Any]:
    """Return the table with a row for each family and language of the two dense runs."""
    return text_table([FAMILY, ITEM_LANGUAGE], NOISE_COLUMNS, report.noise.rows if report.noise else [])


def provenance_table(report: Report) -> TextTable[Any]:
    """Return the table with a row for each variant: how it was made, and the files that its numbers come from."""
    return text_table([], VARIANT_COLUMNS, report.variants)


CALIBRATION = "Language of calibration against language of evaluation"


@dataclass(frozen=True)
class CalibrationMatrix:
    """One measure of a calibration table as text: a row for each calibration language, a column for each evaluation language."""

    title: str
    headings: list[str]
    rows: list[list[str]]


def calibration_matrices(table: CalibrationTable) -> list[CalibrationMatrix]:
    """Return a matrix for each of CALIBRATION_MEASURES; a pair of languages that was not evaluated has a dash."""
    name = f"{setting_name(table)} of {table.base_model}, {table.family}"
    by_language = {language: [entry for entry in table.cells if entry.language == language] for language in table.languages}
    languages = [with_mark(language, entries) for language, entries in by_language.items()]
    return [
        CalibrationMatrix(f"{name}: {measure.title}", ["calibration", *languages], _matrix(table, measure.column))
        for measure in CALIBRATION_MEASURES
    ]


def _matrix(table: CalibrationTable, column: Column[CalibrationRow]) -> list[list[str]]:
    texts = {(entry.calibration_language, entry.language): column.brief(CalibrationRow(table, entry)) for entry in table.cells}
    return [
        [calibrated, *(texts.get((calibrated, language), UNDEFINED) for language in table.languages)]
        for calibrated in table.calibration_languages
    ]


@dataclass(frozen=True)
class PageTable:
    """A table of report.html. `groups`: headings above the columns with the number of columns below each; empty if none has one."""

    caption: str
    columns: list[Column[Any]]
    groups: list[tuple[str, int]]
    rows: list[list[TableEntry]]


def page_table(caption: str, names: Sequence[Column[Any]], columns: Sequence[Column[R]], rows: Sequence[R]) -> PageTable | None:
    """Return a table of the naming columns and of those `columns` that appear on the page; None if there are no rows.

    Columns that are undefined in every row are left out. Columns of one group stand where its first column stands.
    """
    if not rows:
        return None
    candidates = [*names, *_grouped([column for column in columns if Output.PAGE in column.outputs])]
    entries = [[column.entry(row) for column in candidates] for row in rows]
    defined = [index for index in range(len(candidates)) if any(row[index].text != UNDEFINED for row in entries)]
    page_columns = [candidates[index] for index in defined]
    page_rows = [[row[index] for index in defined] for row in entries]
    return PageTable(caption, page_columns, _group_headings(page_columns), page_rows)


def page_leaderboard(report: Report) -> PageTable | None:
    """Return the leaderboard. The first column also names base model and family; both follow as columns to sort by."""
    columns = [column for column in LEADERBOARD_COLUMNS if column not in (VARIANT, BASE_MODEL, FAMILY)]
    columns += _identity(report)[1:]
    return page_table("Leaderboard, ranked by production", [_name(report)], columns, report.leaderboard)


def page_errors(report: Report) -> PageTable | None:
    """Return the table of the recognition-only errors of each variant: demoted or erased."""
    caption = "Recognition-only errors: demoted or erased"
    return page_table(caption, _identity(report), ROW_COLUMNS, pooled_rows(report))


def page_failures(report: Report) -> PageTable | None:
    """Return the table of the failure modes of each variant, over all languages and then by language."""
    rows = [row for row in (*pooled_rows(report), *language_rows(report)) if row.failure_modes]
    return page_table("Failure modes, share of all items", [*_identity(report), ITEM_LANGUAGE], FAILURE_COLUMNS, rows)


def page_judges(report: Report) -> PageTable | None:
    """Return the table of the rules against each judge, over all languages."""
    caption = "Rules and judge, share of the judged items"
    return page_table(caption, [*_identity(report), JUDGE], JUDGE_COLUMNS, judged_rows(pooled_rows(report)))


def page_judge_languages(report: Report) -> PageTable | None:
    """Return the same by language."""
    caption = "Rules and judge by language, share of the judged items"
    return page_table(caption, [*_identity(report), ITEM_LANGUAGE, JUDGE], JUDGE_COLUMNS, judged_rows(language_rows(report)))


def page_rules(report: Report) -> PageTable | None:
    """Return the table of the rules that decide in each variant, over all languages and then by language."""
    rows = with_rules([*pooled_rows(report), *language_rows(report)])
    return page_table("Which rule decides", [*_identity(report), ITEM_LANGUAGE], _rule_columns(rows), rows)


def page_dense(report: Report) -> PageTable | None:
    """Return the table of each pruned variant and family against the dense model, over all languages."""
    return _page_dense("Against the dense model, all languages", [_name(report)], pooled_rows(report))


def page_dense_languages(report: Report) -> PageTable | None:
    """Return the table of each pruned variant, family and language against the dense model."""
    return _page_dense("Against the dense model, by language", [_name(report), ITEM_LANGUAGE], language_rows(report))


def page_dense_answer_types(report: Report) -> PageTable | None:
    """Return the table of each pruned variant, family and answer type against the dense model."""
    return _page_dense("Against the dense model, by answer type", [_name(report), ANSWER_TYPE], report.answer_type_rows)


def page_divergence(report: Report) -> PageTable | None:
    """Return the table of the divergence of the next token and what became of the known items."""
    return page_table("Divergence of the next token", _identity(report), DIVERGENCE_COLUMNS, _with_divergence(report))


def page_noise(report: Report, pooled: bool) -> PageTable | None:
    """Return the table of the differences between two dense runs, over all languages or by language."""
    rows = [row for row in report.noise.rows if (row.language == POOLED) == pooled] if report.noise else []
    names = [*_identity(report)[1:], ITEM_LANGUAGE]
    return page_table("Two dense runs: differences by chance alone", names, NOISE_COLUMNS, rows)


def page_calibration(report: Report) -> PageTable | None:
    """Return the table with a row for each pair of calibration and evaluation language, with intervals."""
    rows = [CalibrationRow(table, entry) for table in report.calibration_languages for entry in table.cells]
    return page_table(CALIBRATION, _identity(report), CALIBRATION_COLUMNS, rows)


def page_provenance(report: Report) -> PageTable | None:
    """Return the table of how each variant was made, and of the files that its numbers come from."""
    return page_table("Variants and their runs", [], VARIANT_COLUMNS, report.variants)


def _with_divergence(report: Report) -> list[Row]:
    return [row for row in pooled_rows(report) if row.vs_dense and row.vs_dense.induced_by_kl]


def _page_dense(caption: str, names: Sequence[Column[Any]], rows: Sequence[Row]) -> PageTable | None:
    return page_table(caption, names, DENSE_COLUMNS, [row for row in rows if row.vs_dense])


def _identity(report: Report) -> list[Column[Any]]:
    """Return the columns variant, base model and family; the last two only where their values differ between rows."""
    names = short_names(report)
    columns = [VARIANT]
    if len(names) > 1:
        columns.append(replace(BASE_MODEL, read=lambda row: names[row.base_model]))
    if len(families(pooled_rows(report))) > 1:
        columns.append(FAMILY)
    return columns


def _name(report: Report) -> Column[Any]:
    """Return the columns of `_identity` as one, for a table whose first column stays in view when it scrolls sideways."""
    first, *others = _identity(report)
    explanation = "method and requested sparsity; below it base model and family"
    return replace(first, explanation=explanation, note=lambda row: ", ".join(column.entry(row).text for column in others))


def _grouped(columns: Sequence[Column[R]]) -> list[Column[R]]:
    """Return the columns with each group gathered at the position of its first column."""
    first_of_group: dict[str, int] = {}
    for index, column in enumerate(columns):
        first_of_group.setdefault(column.group, index)
    order = [first_of_group[column.group] if column.group else index for index, column in enumerate(columns)]
    return [columns[index] for index in sorted(range(len(columns)), key=order.__getitem__)]


def _group_headings(columns: Sequence[Column[Any]]) -> list[tuple[str, int]]:
    headings: list[tuple[str, int]] = []
    for column in columns:
        if headings and headings[-1][0] == column.group:
            headings[-1] = (column.group, headings[-1][1] + 1)
        else:
            headings.append((column.group, 1))
    return headings if any(name for name, _ in headings) else []
