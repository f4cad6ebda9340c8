"""Names as people see them: bounded, safe, and still different from each other."""

from __future__ import annotations

import pytest

from lm_eval_illusion.report.headline import headline
from lm_eval_illusion.report.html import html_report
from lm_eval_illusion.report.markdown import markdown_report
from lm_eval_illusion.report.shown import changed_names, shown_name, shown_report
from tests.report.report_examples import calibrated, make_report, record

LONG = "x" * 10_000


def test_a_report_with_ordinary_names_is_the_same_record():
    report = record(calibrated(items=4)[0])
    assert shown_report(report) is report


def test_every_text_of_a_report_is_bounded_and_safe():
    report = record(calibrated(items=4, strange=f"\x1b[2J\u202e{LONG}")[0])
    shown = shown_report(report)
    texts = [value for entry in shown.variants for value in (entry.base_model, entry.variant, entry.pruner, *entry.runs)]
    texts += [value for row in (*shown.rows, *shown.answer_type_rows) for value in (row.base_model, row.variant, row.family)]
    texts += [row.answer_type for row in shown.answer_type_rows]
    texts += [value for entry in shown.leaderboard for value in (entry.base_model, entry.variant, entry.family)]
    texts += [shown.calibration_languages[0].pruner, shown.calibration_languages[0].cells[0].variant, *shown.noise.runs]
    texts += [shown.noise.rows[0].base_model]
    # `none`, the pruner of the dense model, is the one text to which nothing was appended.
    assert all((len(text) == 200 and "…" in text and text.isprintable()) or text == "none" for text in texts)
    assert r"\x1b[2J\u202exxx" in shown.variants[1].variant
    assert shown_report(shown) is shown
    # The numbers and the languages are those of the report.
    assert [(row.n, row.language) for row in shown.rows] == [(row.n, row.language) for row in report.rows]
    # Names that join records are still equal.
    assert {(row.base_model, row.variant) for row in shown.rows} == {(e.base_model, e.variant) for e in shown.variants}


def test_names_that_differ_only_where_they_are_cut_stay_different():
    names = [f"a{'x' * 200}{middle}{'x' * 200}b" for middle in "123"] + ["a\x1b", r"a\x1b"]
    changed = changed_names(names, shown_name)
    cut = shown_name(names[0])
    assert [changed[name] for name in names[:3]] == [cut, f"{cut} (2)", f"{cut} (3)"]
    assert (changed[names[3]], names[4] in changed) == (r"a\x1b (2)", False)


@pytest.mark.parametrize(
    "render", [lambda r, b: html_report(r, [], b), lambda r, b: markdown_report(r, []), lambda r, b: headline(r)]
)
def test_what_people_read_does_not_grow_with_the_length_of_names(render):
    # Before, each name was cut by one character after the other, and stood in every tip of every figure.
    sizes = []
    for length in (1_000, 10_000):
        report, browser = make_report(items=3, strange="x" * length)
        for item in browser["items"]:
            item |= {"question": "q", "context": "", "answer": "a", "aliases": [], "options": ["a", "b", "c", "d"], "id": "i"}
        for row in browser["rows"]:
            row["outputs"] = {}
        sizes.append(len(render(record(report), browser)))
    assert sizes[0] == pytest.approx(sizes[1], rel=0.01)
