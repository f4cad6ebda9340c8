"""A few cases of the fuzz of report formats, and that it finds a format which does not escape."""

from __future__ import annotations

import pytest

from benchmarks import fuzz_report
from lm_eval_illusion.report import csv_files, figures, markdown, shown
from lm_eval_illusion.report.figures import svg


def test_hostile_names_are_text_in_every_format(capsys):
    assert fuzz_report.main(["--cases", "8"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("module", "function"),
    [(markdown, "for_markdown"), (csv_files, "for_csv"), (svg, "for_xml"), (shown, "for_terminal")],
    ids=["markdown", "csv", "svg", "names"],
)
def test_a_format_that_does_not_escape_is_found(monkeypatch, module, function, capsys):
    monkeypatch.setattr(module, function, lambda text: text)
    if module is svg:
        monkeypatch.setattr(figures, "shown_report", lambda report: report)
    counts = fuzz_report.fuzz(2, 0)
    assert counts["wrong"] + counts["tracebacks"] > 0
