"""A slice of the fuzz of files of questions, and that the fuzz sees what it looks for."""

from __future__ import annotations

from benchmarks import fuzz_questions
from benchmarks.fuzz_questions import fuzz
from lm_eval_illusion.pairing.reading.question_file import QuestionFile


def test_no_file_of_a_slice_ends_in_a_traceback(tmp_path):
    figures = fuzz(400, seed=3, folder=tmp_path)
    assert figures.wrong == []
    # Both outcomes occur, so the cases are neither all nonsense nor all harmless.
    assert min(figures.outcomes["read"], figures.outcomes["refused"]) > 80


def test_a_traceback_and_a_wrong_question_are_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz_questions, "read_questions", lambda *_: 1 / 0)
    assert "ZeroDivisionError" in fuzz(1, 0, tmp_path).wrong[0]
    question = fuzz_questions.Question("a", "en", "Who?", "", "Ada")
    monkeypatch.setattr(fuzz_questions, "read_questions", lambda *_: QuestionFile([question, question]))
    assert "an id twice" in fuzz(1, 0, tmp_path).wrong[0]
