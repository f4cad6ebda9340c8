"""The CSV files, read by Python's csv module."""

from __future__ import annotations

import csv
import io

import pytest

from lm_eval_illusion.report.csv_files import calibration_csv, leaderboard_csv
from tests.report.report_examples import calibrated, record


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("-a\x1b[2J", "'-a\\x1b[2J"),
        (' "a",;b', ' "a",;b'),
        ("\t=1\r\n=2", r"\t=1\r\n=2"),
        ("\ud800", r"\ud800"),
    ],
)
def test_a_name_is_one_text_cell(name, cell):
    plain, _ = calibrated(items=6)
    plain["leaderboard"][0] |= {"variant": name, "production": {"value": -0.5, "ci": [-1, 1e-9]}}
    plain["calibration_languages"][0] |= {"pruner": name, "owl_lambda": -2.0}
    text = leaderboard_csv(record(plain))
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["variant"] == cell
    # A number stays a number, also a negative one.
    assert [row[key] for key in ("production", "production_low", "production_high")] == ["-0.5", "-1.0", "1e-09"]
    rows = list(csv.DictReader(io.StringIO(calibration_csv(record(plain)))))
    assert {(row["pruner"], row["owl_lambda"], row["owl_m"]) for row in rows} == {(cell, "-2.0", "")}


def test_each_line_says_what_recognition_was_read_from():
    """The file is read without the report: a generated letter is not recognition by scores."""
    plain, _ = calibrated(items=6)
    plain["recognition_metric"] = "recognised_by_letter"
    rows = list(csv.DictReader(io.StringIO(leaderboard_csv(record(plain)))))
    assert {row["recognition_metric"] for row in rows} == {"recognised_by_letter"}


def test_a_semicolon_does_not_split_a_name():
    """Where the decimal mark is a comma, spreadsheets split at semicolons, and `=1` would be a cell."""
    plain, _ = calibrated(items=6)
    plain["leaderboard"][0]["variant"] = "a;=1"
    assert '"a;=1"' in leaderboard_csv(record(plain))
