"""The benchmark of `pair` on few questions: its questions become items, and the time is printed."""

from __future__ import annotations

import pytest

from benchmarks.pairing import made_questions, main


@pytest.mark.parametrize("one_pattern", [False, True])
def test_the_questions_are_the_same_in_every_run_and_differ(one_pattern):
    questions = made_questions(50, one_pattern)
    assert questions == made_questions(50, one_pattern)
    assert len({question.question for question in questions}) > 45


def test_a_line_for_each_count(capsys):
    assert main(["--count", "60"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0].split(", ")[1].strip() for line in lines] == ["kinds", "one pattern"]
    assert all("59 items" in line for line in lines), "one question is the example"
