"""A small part of the fuzzer of model folders; `python -m benchmarks.fuzz_models` runs all of it."""

from __future__ import annotations

import pytest

from benchmarks import fuzz_models
from benchmarks.fuzz_models import run_cases


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def test_changed_folders_end_in_one_line_or_in_the_numbers_of_plain_transformers(tmp_path):
    counts = run_cases(range(8), seed=3, folder=tmp_path)
    assert set(counts) <= {"refused", "accepted"}
    assert sum(counts.values()) == 8


def test_the_fuzzer_sees_an_error_and_other_numbers(tmp_path, monkeypatch, capsys):
    plain = fuzz_models._outputs
    monkeypatch.setattr(fuzz_models, "make_case", intact)
    monkeypatch.setattr(fuzz_models, "_outputs", lambda *arguments: 1 / 0)
    assert run_cases([0], 0, tmp_path / "a") == {"traceback": 1}
    monkeypatch.setattr(fuzz_models, "_outputs", lambda *arguments: plain(*arguments).replace("-", ""))
    assert run_cases([0], 0, tmp_path / "b") == {"wrongly accepted": 1}
    assert "ZeroDivisionError" in capsys.readouterr().out


def intact(_, source, __, place):
    fuzz_models.shutil.copytree(source, place / "model")
    return fuzz_models.Case("nothing", {"batch_size": 1})
