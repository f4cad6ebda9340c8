"""A report opens every samples file once, whatever it is needed for, and imports no library that evaluates models."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from lm_eval_illusion.report.command import ReportOptions, report_command
from tests.lm_eval_files import DENSE, choice_row, hits, text_row, write_run, write_tasks

MC = [{"id": i, "acc": 1.0, "gold_rank": 2} for i in "abcd"]
VIEWS = {"mc": MC, "gen": hits("match", a=1, b=0, c=0, d=1), "oneshot": hits("match", a=1, b=1, c=0, d=1)}
LATER, LATEST = "2026-11-23T11-00-00.000000", "2026-11-23T12-00-00.000000"
MODELS = ("torch", "transformers", "llmcompressor", "lm_eval", "vllm")


@pytest.fixture
def opened(monkeypatch) -> Counter[Path]:
    """How often each samples file was opened to be read."""
    counts: Counter[Path] = Counter()
    open_file = os.open

    def counting(path, *args, **kwargs):
        if Path(path).name.startswith("samples_"):
            counts[Path(path)] += 1
        return open_file(path, *args, **kwargs)

    # `reading.open_file` opens with this function.
    monkeypatch.setattr(os, "open", counting)
    return counts


def write_two(folder):
    write_run(folder, VIEWS)
    return write_run(folder, VIEWS, illusion=DENSE, date=LATER)


def samples_below(folder):
    return sorted(folder.resolve().rglob("samples_*.jsonl"))


@pytest.mark.parametrize("with_files", [True, False])
def test_views(tmp_path, opened, with_files):
    write_two(tmp_path / "runs")
    report_command([tmp_path / "runs"], tmp_path / "out" if with_files else None)
    assert opened == dict.fromkeys(samples_below(tmp_path), 1)


def test_the_runs_of_the_noise_floor(tmp_path, opened):
    first = write_two(tmp_path / "runs")
    second = write_run(tmp_path / "runs", VIEWS, illusion=DENSE, date=LATEST)
    report_command([tmp_path / "runs"], tmp_path / "out", ReportOptions(noise=(first, second)))
    assert opened == dict.fromkeys(samples_below(tmp_path), 1)


def test_a_task_of_several_pairs(tmp_path, opened):
    docs = [{"n": 0}, {"n": 1}]
    answers = [text_row(doc, "said", exact_match=1.0) for doc in docs]
    write_tasks(tmp_path, {"mc": [choice_row(doc, [-1.0, -2.0], 0) for doc in docs], "gen": answers, "chat": answers})
    report_command([tmp_path], tmp_path / "out", ReportOptions(pairs=("mc=gen", "mc=chat")))
    assert opened == dict.fromkeys(samples_below(tmp_path), 1)


def test_a_report_needs_no_library_that_evaluates_models(tmp_path):
    write_two(tmp_path / "runs")
    script = (
        "import sys; from lm_eval_illusion.cli import main;"
        "code = main(['report', sys.argv[1], '--out', sys.argv[2]]);"
        f"loaded = [name for name in {MODELS} if name in sys.modules];"
        "sys.exit(f'loaded: {loaded}' if loaded else code)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "runs"), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "report.json").is_file()
