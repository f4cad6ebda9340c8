"""What the report prints, with hostile names and on outputs without Unicode."""

from __future__ import annotations

import csv
import io
import json
import re
import sys

import pytest

from lm_eval_illusion.report.command import ReportOptions, report_command
from lm_eval_illusion.report.terminal import FORMATS, print_report
from tests.lm_eval_files import PRUNED, hits, write_run
from tests.report.report_examples import calibrated, make_report, record

HOSTILE = "\x1b]52;c;ZXZpbA==\x07\x9b2J\u202e\r\n\ud800é"


def printed(monkeypatch, report, form, encoding, notes=()):
    """Return the bytes that are printed to a standard output of this encoding, which refuses what it can't encode."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict", newline="\n")
    monkeypatch.setattr(sys, "stdout", stream)
    print_report(report, notes, form)
    stream.flush()
    return stream.buffer.getvalue()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("form", FORMATS)
def test_nothing_is_printed_that_a_terminal_obeys(monkeypatch, form, encoding):
    report = record(calibrated(items=4, strange=HOSTILE)[0])
    text = printed(monkeypatch, report, form, encoding, [f"note {HOSTILE}"]).decode(encoding)
    assert not {c for c in text if ord(c) < 32 or 127 <= ord(c) < 160 or c == "\u202e" or "\ud800" <= c <= "\udfff"} - {"\n"}
    assert "x1b]52" in text or "u001b]52" in text
    if form == "json":
        assert json.loads(text)["variants"][0]["variant"] == f"dense{HOSTILE}"
    if form == "csv":
        assert {len(row) for row in csv.reader(io.StringIO(text))} == {len(text.split("\n")[0].split(","))}


def test_a_table_in_ascii_has_straight_borders(monkeypatch):
    """Before, the dashes of undefined numbers raised UnicodeEncodeError; as escapes they would break the columns."""
    plain, _ = make_report(items=4)
    plain["leaderboard"] = []
    for row in plain["rows"]:
        row["demoted"] = {"value": None, "ci": None} if row["variant"] == "dense" else row["demoted"]
    text = printed(monkeypatch, record(plain), "table", "ascii").decode("ascii")
    assert "\\u" not in text
    tables = re.findall(r"(?:^[|+].*\n)+", text, re.MULTILINE)
    assert len(tables) >= 4
    for table in tables:
        top, *lines = table.splitlines()
        assert set(top) == {"+", "-"}
        assert {len(line) for line in lines} == {len(top)}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("columns", "name"), [(100, "wanda-0.6"), (80, "wanda-0.6"), (100, f"long-{'name-' * 30}")])
def test_no_number_is_broken_on_a_narrow_terminal(monkeypatch, columns, name):
    """Before, a table of 13 columns had numbers such as "−11." above "1" at 100 columns."""
    plain, _ = make_report(items=20)
    marks = {"ok": False, "reasons": ["dense production is at the floor: apply the template"]}
    for row in plain["rows"]:
        row["validity"] = marks
        row["variant"] = name if row["variant"] != "dense" else "dense"
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("COLUMNS", str(columns))
    # Without it, rich takes 80 columns for a dumb terminal.
    monkeypatch.setenv("LINES", "25")
    monkeypatch.setenv("TERM", "dumb")
    print_report(record(plain), [])
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= columns
    table = [line for line in lines if line.startswith("│")]
    numbers = [entry.strip() for line in table for entry in line.strip("│").split("│")[1:] if re.search(r"\d", entry)]
    whole = re.compile(r"[−+<]? ?[\d,]+(\.\d+)?( \[[−+]?\d+\.\d+, [−+]?\d+\.\d+\])?( : \d+)?")
    assert len(numbers) > 50
    assert [number for number in numbers if not whole.fullmatch(number)] == []
    # Each part of a table has the mark, also one without intervals.
    parts = [line for line in lines if line.startswith("┃") and "demoted" in line]
    assert parts
    assert [line for line in parts if "setup" not in line] == []
    assert [line for line in table if " [" in line and line.count("not valid") != 1] == []


def test_written_lines_and_gate_lines_are_safe(tmp_path, capsys):
    write_run(
        tmp_path / "runs",
        {"mc": [{"id": "a", "acc": 1.0}], "gen": hits("match", a=0)},
        illusion={**PRUNED, "variant": "w\x1b[2J", "base_model": "m\x9b2J"},
    )
    options = ReportOptions(fail_if=("recognition_only_rate > 0",))
    assert report_command([tmp_path / "runs"], tmp_path / "out\x1b[2J", options) == 3
    output = capsys.readouterr()
    assert r"gate: recognition_only_rate is 1 at w\x1b[2J of m\x9b2J" in output.err
    assert r"out\x1b[2J/report.html" in output.out
    assert not {"\x1b", "\x9b"} & set(output.out + output.err)
