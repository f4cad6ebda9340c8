"""Sweeps end to end on a tiny model: resumed after kill -9 and after failures, never losing or repeating a finished cell."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tiny_models import save_tiny

GRID = [
    "--pruner",
    "magnitude",
    "--sparsity",
    "0.5",
    "0.6",
    "--tasks",
    "mqa_illusion_en_mc",
    "mqa_illusion_en_gen",
    "--limit",
    "2",
]
CELLS = 3

pytestmark = pytest.mark.slow


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", str(tmp_path / "store"))
    return save_tiny("llama", tmp_path / "model")


def start(model: Path, out: Path, *more: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "lm_eval_illusion.cli", "sweep", "--out", str(out), "--log-json", *GRID]
    command += ["--pretrained", str(model), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen) -> tuple[int, list[dict], str]:
    out, errors = process.communicate()
    return process.returncode, [json.loads(line) for line in out.splitlines() if line.startswith("{")], errors


def report_of(out: Path) -> dict:
    report = json.loads((out / "report" / "report.json").read_text(encoding="utf-8"))
    for variant in report["variants"]:
        del variant["runs"]  # named by date
    return report


def test_killed_at_random_moments_it_ends_with_the_same_report_and_no_cell_done_twice(tmp_path, model):
    code, events, errors = finished(start(model, tmp_path / "whole"))
    assert code == 0, errors[-2000:]
    assert [event["state"] for event in events] == ["done"] * CELLS
    rng = random.Random(0)
    for _ in range(4):
        process = start(model, tmp_path / "killed")
        time.sleep(rng.uniform(4, 14))
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "killed").glob("cells/*/completed.json")}
    code, events, errors = finished(start(model, tmp_path / "killed"))
    assert code == 0, errors[-2000:]
    assert sum(event["state"] == "done before" for event in events) == len(before)
    assert all(path.stat().st_mtime_ns == moment for path, moment in before.items())
    assert report_of(tmp_path / "killed") == report_of(tmp_path / "whole")


def test_a_failed_cell_is_kept_and_the_others_go_on(tmp_path, model):
    broken = tmp_path / "broken"
    broken.mkdir()
    code, events, errors = finished(start(model, tmp_path / "out", str(broken)))
    assert code == 1
    assert [event["state"].split(":")[0] for event in events] == ["done"] * CELLS + ["failed"] * CELLS
    assert "can't be loaded" in next((tmp_path / "out" / "failed").iterdir()).read_text()
    assert errors.count("--retry-failed runs it again") == CELLS
    assert {row["variant"] for row in report_of(tmp_path / "out")["rows"]} == {"dense", "magnitude-0.5", "magnitude-0.6"}
    # Without --retry-failed nothing is tried again; with it, and the cause mended, all is done.
    code, events, _ = finished(start(model, tmp_path / "out", str(broken)))
    assert (code, {event["state"] for event in events}) == (1, {"done before", "failed before"})
    save_tiny("llama", broken)
    code, events, errors = finished(start(model, tmp_path / "out", str(broken), "--retry-failed"))
    assert code == 0, errors[-2000:]
    assert [event["state"] for event in events] == ["done before"] * CELLS + ["done"] * CELLS
    assert not list((tmp_path / "out" / "failed").iterdir())


def test_a_dry_run_lists_the_cells_and_runs_none(tmp_path, model):
    process = start(model, tmp_path / "out", "--dry-run")
    out, _ = process.communicate()
    assert process.returncode == 0
    assert out.count(": to do") == CELLS
    assert f"{CELLS} cells, {CELLS} to do" in out
    assert not (tmp_path / "out").exists()
