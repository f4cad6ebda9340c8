"""Where numbers tell about the setup, every table, page and file that ranks or compares them has a mark."""

from __future__ import annotations

import csv
import io
import re
from contextlib import redirect_stdout

import msgspec
import pytest

from lm_eval_illusion.report.csv_files import leaderboard_csv
from lm_eval_illusion.report.figures import figures
from lm_eval_illusion.report.html import html_report
from lm_eval_illusion.report.markdown import markdown_leaderboard, markdown_report
from lm_eval_illusion.report.terminal import print_report
from lm_eval_illusion.report.validity import MARK, invalid_languages, refusals
from tests.report.report_examples import calibrated, make_report, record

REASON = "dense production is at the floor (below 5 %): apply the template"


def marked(make=make_report, is_invalid=lambda row: True, **options):
    """Return a report of which the rows, and the entries made from them, are not valid where `is_invalid`, and its browser data."""
    plain, browser = make(items=4, **options)
    plain["noise"] = None  # of two dense runs: no claim about compression
    bad = msgspec.to_builtins({"ok": False, "reasons": [REASON]})
    tables = [table["cells"] for table in plain["calibration_languages"]]
    for row in [
        *plain["rows"],
        *plain["answer_type_rows"],
        *plain["leaderboard"],
        *(cell for cells in tables for cell in cells),
    ]:
        if is_invalid(row):
            row["validity"] = bad
    return record(plain), browser


def printed(report, form="table"):
    with redirect_stdout(io.StringIO()) as out:
        print_report(report, [], form)
    return out.getvalue()


def lines_with_numbers(text):
    """The lines of a table that have a number of a variant."""
    return [line for line in text.splitlines() if re.search(r"[│|] *[\d.]+ \[", line)]


@pytest.mark.parametrize("render", [printed, lambda report: markdown_report(report, []), markdown_leaderboard])
def test_every_row_of_every_table_has_the_mark(render):
    text = render(marked()[0])
    rows = lines_with_numbers(text)
    assert len(rows) >= 3
    assert [line for line in rows if MARK not in line] == []
    # A report without fault has no such column.
    valid = render(marked(is_invalid=lambda row: False)[0])
    assert MARK not in valid
    assert "setup" not in valid


def test_the_page_says_it_first_and_has_the_mark_in_its_tables():
    report, browser = marked()
    page = html_report(report, [], browser)
    heading = re.search("<h1[^>]*>(.*?)</h1>", page)[1].replace("\u00a0", " ")
    assert heading.startswith("No illusion is claimed for Qwen3-8B: dense production is at the floor (below 5 %).")
    assert "The worst of" not in page
    assert 'class="verdict"' not in page
    for caption in ("Leaderboard, ranked by production", "Against the dense model, all languages"):
        body = re.search(f"<caption>{caption}</caption>.*?<tbody>(.*?)</tbody>", page, re.DOTALL)[1]
        assert body.count("<tr>") == body.count(f">{MARK}<") > 0
    report, browser = marked(is_invalid=lambda row: False)
    page = html_report(report, [], browser)
    assert MARK not in page
    assert "The worst of" in page
    report, browser = marked(is_invalid=lambda row: row.get("language") == "zh")
    page = html_report(report, [], browser)
    assert "Not valid in 1 of 4 languages" not in re.search("<h1[^>]*>(.*?)</h1>", page)[1]
    assert "Not valid in 1 of 4 languages" in re.search('class="verdict"[^>]*>(.*?)</p>', page)[1]


def test_the_figures_have_the_mark_in_their_headings():
    def headings(report):
        return [text for svg in figures(report).values() for text in re.findall(r">([^<>]*(?:Qwen3-8B|org)[^<>]*)<", svg)]

    for make in (make_report, calibrated):
        marked_headings = headings(marked(make)[0])
        assert marked_headings
        assert [text for text in marked_headings if MARK not in text and "desc" not in text] == []
        assert not any(MARK in text for text in headings(marked(make, lambda row: False)[0]))


def test_the_csv_of_the_leaderboard_has_the_mark():
    report, _ = marked(is_invalid=lambda row: row["variant"] == "dense")
    rows = csv.DictReader(io.StringIO(leaderboard_csv(report)))
    assert {row["variant"]: row["validity"] for row in rows} == {
        entry.variant: MARK if entry.variant == "dense" else "" for entry in report.leaderboard
    }


def test_a_comparison_of_calibration_languages_marks_the_language():
    report, browser = marked(calibrated, lambda row: row.get("language") == "en")
    for text in (printed(report), markdown_report(report, [])):
        headings = [line for line in text.splitlines() if "calibration " in line and "en (not valid)" in line]
        assert headings
        assert not any("zh (not valid)" in line for line in headings)
    page = html_report(report, [], browser)
    table = re.search("<caption>Language of calibration against.*?<tbody>(.*?)</tbody>", page, re.DOTALL)[1]
    for row in re.findall("<tr>(.*?)</tr>", table, re.DOTALL):
        evaluated = re.findall(r">([^<>]+ \(\w\w\)|all languages)<", row)[-1]
        assert (MARK in row) == (evaluated == "English (en)")


def test_equal_reasons_are_one_sentence_and_other_models_their_own():
    report, _ = marked(base_models=("Qwen/Qwen3-8B", "org/other"))
    assert refusals(report) == [
        "No illusion is claimed for Qwen3-8B and other: dense production is at the floor (below 5 %). What to change: apply the template."
    ]
    # Languages of what is refused as a whole are not named again.
    assert invalid_languages(report) == []
    report, _ = marked(is_invalid=lambda row: row.get("language") in ("ar", "zh"))
    assert refusals(report) == []
    (sentence,) = invalid_languages(report)
    assert sentence.startswith("Not valid in 2 of 4 languages of Qwen3-8B (ar, zh): ")
