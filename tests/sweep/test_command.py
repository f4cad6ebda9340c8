"""Sweeps end to end on a tiny model: resumed after kill -9 and after failures, never losing or repeating a finished cell."""

from __future__ import annotations

import json
import random
import signal
import time

import pytest

from lm_eval_illusion.pruning.checkpoint_store import verify
from tests.sweep.sweeps import CELLS, finished, report_of, start
from tests.tiny_models import save_tiny

pytestmark = pytest.mark.slow


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", str(tmp_path / "store"))
    return save_tiny("llama", tmp_path / "model")


def test_killed_at_random_moments_it_ends_with_the_same_report_and_no_cell_done_twice(tmp_path, model):
    code, events, errors = finished(start(model, tmp_path / "whole"))
    # What the libraries say, bars among it, goes to a log a cell.
    assert (code, errors) == (0, "")
    assert len(list((tmp_path / "whole" / "logs").iterdir())) == CELLS
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


def test_two_sweeps_at_once_on_one_store_make_each_checkpoint_once(tmp_path, model):
    both = [start(model, tmp_path / name) for name in ("one", "other")]
    for process in both:
        code, _, errors = finished(process)
        assert code == 0, errors[-2000:]
    entries = entries_of(tmp_path / "store")
    assert len(entries) == CELLS - 1  # the dense cell has none
    assert [verify(entry) for entry in entries] == [None] * len(entries)
    # Made once: a second make would have put another folder in its place, or set this one aside.
    made = [(entry / "manifest.json").stat() for entry in entries]
    assert keys_of(tmp_path / "one") == keys_of(tmp_path / "other")
    assert {key for key in keys_of(tmp_path / "one") if key} == {entry.name for entry in entries}
    code, _, errors = finished(start(model, tmp_path / "third"))
    assert code == 0, errors[-2000:]
    again = [(entry / "manifest.json").stat() for entry in entries_of(tmp_path / "store")]
    assert [(status.st_ino, status.st_mtime_ns) for status in again] == [(status.st_ino, status.st_mtime_ns) for status in made]
    assert report_of(tmp_path / "one") == report_of(tmp_path / "other") == report_of(tmp_path / "third")


def entries_of(store):
    return sorted(entry for entry in store.iterdir() if entry.name != ".work")


def keys_of(out):
    """The store key of each cell; None of the dense one."""
    results = sorted(out.glob("cells/*/*/results_*.json"))
    return [json.loads(path.read_text(encoding="utf-8"))["config"]["illusion"]["key"] for path in results]


def test_a_dry_run_lists_the_cells_and_runs_none(tmp_path, model):
    process = start(model, tmp_path / "out", "--dry-run")
    out, _ = process.communicate()
    assert process.returncode == 0
    assert out.count(": to do") == CELLS
    assert f"{CELLS} cells, {CELLS} to do" in out
    assert not (tmp_path / "out").exists()
