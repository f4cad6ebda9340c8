"""A column is defined once: a new one in the tuple of its table appears in every output."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import fields

import pytest

from lm_eval_illusion.analysis.records import VariantEntry, report_json
from lm_eval_illusion.report import columns, comparison_columns, csv_files, files, tables
from lm_eval_illusion.report.column_formats import COUNT, SHARE
from lm_eval_illusion.report.columns import Column, Output
from lm_eval_illusion.report.files import report_texts
from lm_eval_illusion.report.terminal import print_report
from lm_eval_illusion.results.outcomes import Outcome, Variant
from tests.report.report_examples import calibrated, record

TUPLES = [
    *(columns.ROW_COLUMNS, columns.LEADERBOARD_COLUMNS, columns.VARIANT_COLUMNS),
    *(comparison_columns.DENSE_COLUMNS, comparison_columns.NOISE_COLUMNS, comparison_columns.CALIBRATION_COLUMNS),
]


@pytest.fixture(scope="module")
def example():
    report, browser = calibrated(languages=("en", "zh"), items=6)
    return record(report), browser


def add(monkeypatch, name, column):
    """Add a column to the tuple of this name, wherever it is imported."""
    for module in (columns, comparison_columns, tables, csv_files):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, (*getattr(module, name), column))


def printed(capsys, report, form):
    print_report(report, [], form)
    return capsys.readouterr().out


def test_a_new_column_of_the_leaderboard_is_on_terminal_markdown_page_and_csv(example, monkeypatch, capsys):
    report, browser = example
    add(monkeypatch, "LEADERBOARD_COLUMNS", Column("new_key", "new heading", "new explanation", lambda entry: 987654, COUNT))
    texts = report_texts(report, [], browser)
    for text in (printed(capsys, report, "markdown"), texts["report.md"], texts["report.html"]):
        assert "new heading" in text
        assert "987,654" in text
    for name in ("report.md", "report.html"):
        assert "new explanation" in texts[name]
    for text in (printed(capsys, report, "csv"), texts["leaderboard.csv"]):
        assert [line["new_key"] for line in csv.DictReader(io.StringIO(text))] == ["987654"] * len(report.leaderboard)


@pytest.mark.parametrize("name", ["ROW_COLUMNS", "DENSE_COLUMNS"])
def test_a_new_column_of_a_variants_numbers_is_on_terminal_markdown_and_page(example, monkeypatch, capsys, name):
    report, browser = example
    add(monkeypatch, name, Column("new_key", "new", "new explanation", lambda row: 98765, COUNT))
    texts = report_texts(report, [], browser)
    for text in (printed(capsys, report, "table"), texts["report.md"], texts["report.html"]):
        assert "98,765" in text
    for name in ("report.md", "report.html"):
        assert "new explanation" in texts[name]


def test_a_new_column_of_the_calibration_languages_is_on_the_page_and_in_csv(example, monkeypatch):
    report, browser = example
    rate = Column("new_key", "new heading", "new explanation", lambda row: row.entry.induced_rate, SHARE)
    add(monkeypatch, "CALIBRATION_COLUMNS", rate)
    texts = report_texts(report, [], browser)
    assert "new heading" in texts["report.html"]
    (line, *_) = csv.DictReader(io.StringIO(texts["calibration_languages.csv"]))
    assert [line[f"new_key{part}"] for part in ("", "_low", "_high")] == [
        line[f"induced_rate{part}"] for part in ("", "_low", "_high")
    ]


def test_there_is_a_recovery_column_for_each_strategy_and_the_page_explains_the_same_ones(example):
    report, browser = example
    keys = [column.key for column in columns.ROW_COLUMNS]
    first = keys.index("beam")
    recovery = columns.ROW_COLUMNS[first : keys.index("candidates_without_gold") + 1]
    assert [column.heading for column in recovery] == ["beam", "oneshot", "sample", "any", "candidates", "w/o gold"]
    terms = re.findall(r"<dt>([a-z ]+)</dt><dd>([^<]+)</dd>", report_texts(report, [], browser)["report.html"])
    on_page = ["beam", "sample", "oneshot", "any", "candidates", "without gold"]
    assert [term for term, _ in terms if term in on_page] == on_page
    assert ("any", "Any of these three.") in terms


@pytest.mark.parametrize("table", TUPLES, ids=range(len(TUPLES)))
def test_keys_of_a_table_are_unique_and_every_column_is_explained(table):
    assert len({column.key for column in table}) == len(table)
    assert all(column.heading and column.explanation for column in table)
    assert all(column.outputs & Output.ALL for column in table)


def test_columns_of_one_group_stand_together_on_the_page(example):
    report, _ = example
    table = tables.page_dense(report)
    assert sum(span for _, span in table.groups) == len(table.columns)
    named = [name for name, _ in table.groups if name]
    assert len(named) == len(set(named))


def test_every_field_of_a_variant_is_in_report_json_and_parquet():
    internal = {"identity", "settings", "base_content", "server", "engine", "beams_are_top1"}
    names = {field.name for field in fields(Variant)} - internal
    assert set(VariantEntry.__struct_fields__) - {"runs"} == names == set(Variant.column_names())
    assert set(files.OUTCOME_FIELDS) == {field.name for field in fields(Outcome)} - {
        "variant",
        "recovered",
        "next_tokens",
        "verdicts",
    }


def test_a_report_is_read_back_from_its_json(example):
    report, _ = example
    plain = report_json(report)
    assert record(plain) == report
    assert list(plain["answer_type_rows"][0])[-1] == "language"
    assert "answer_type" not in plain["rows"][0]
