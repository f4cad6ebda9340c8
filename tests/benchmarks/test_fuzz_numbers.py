"""A slice of the fuzz of answers with numbers, and that the fuzz sees what it looks for."""

from __future__ import annotations

from benchmarks import fuzz_numbers
from benchmarks.fuzz_numbers import cases, faults, fuzz
from lm_eval_illusion.pairing.numbers.changes import ChangeableNumber


def test_a_slice_has_no_fault():
    assert fuzz(60, seed=1).wrong == []


def test_cases_are_deterministic_and_some_numbers_are_changed(monkeypatch):
    first, second = list(cases(60, 0)), list(cases(60, 0))
    assert first == second
    monkeypatch.setattr(ChangeableNumber, "with_value", lambda number, value: dict(number.answers))
    monkeypatch.setattr("lm_eval_illusion.pairing.numbers.distractors.is_valid_distractor", lambda *_: True)
    assert sum(bool(list(faults(case))) for case in first) >= 10


def test_a_traceback_is_a_fault(monkeypatch):
    monkeypatch.setattr(fuzz_numbers, "group_by_id", lambda questions: 1 / 0)
    assert "ZeroDivisionError" in fuzz(1, 0).wrong[0]
