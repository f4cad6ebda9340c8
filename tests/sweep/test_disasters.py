"""A full disk, a store or report that can't be written, a missing model: one clear line each, and the other cells still run."""

from __future__ import annotations

import pytest

from tests.mounts import Mount, can_mount
from tests.sweep.sweeps import SHORT_CELLS, SHORT_GRID, report_of, start, states_of, wait_for
from tests.tiny_models import save_tiny

pytestmark = pytest.mark.slow


@pytest.fixture
def store(tmp_path, monkeypatch):
    folder = tmp_path / "store"
    folder.mkdir()
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", str(folder))
    return folder


def mounted(folder, options):
    """A tmpfs at `folder` for one process; the test is skipped where nothing can be mounted."""
    if not can_mount():
        pytest.skip("nothing can be mounted here")
    return Mount(folder, options)


@pytest.mark.parametrize(
    ("options", "problem", "reason", "warnings"),
    [
        (
            "size=300k",
            "can't be used",
            "No space left on device",
            ["lm-eval-illusion: the disk may get full: at most 0.7 MB for 1"],
        ),
        ("ro", "is read-only", "Read-only file system) and the checkpoint ", []),
    ],
    ids=["full", "read-only"],
)
def test_an_unusable_store_and_a_missing_model_fail_their_cells_only(tmp_path, store, options, problem, reason, warnings):
    model = save_tiny("llama", tmp_path / "model")
    missing = str(tmp_path / "missing")
    code, events, errors = wait_for(start(model, tmp_path / "out", missing, grid=SHORT_GRID, mount=mounted(store, options)))
    assert code == 1
    states = [event["state"] for event in events]
    assert states[0] == "done"
    assert states[1].startswith(f"failed: store {store} {problem} (")
    assert reason in states[1]
    assert [f"failed: pretrained '{missing}' is neither a folder" in state for state in states[2:]] == [True, True]
    *warned, _, _, _ = errors.splitlines()
    assert len(warned) == len(warnings)
    assert all(map(str.startswith, warned, warnings)), warned
    assert "Traceback" not in errors
    assert {row["variant"] for row in report_of(tmp_path / "out")["rows"]} == {"dense"}
    # With a usable store the failed cell runs, and no other.
    code, events, errors = wait_for(start(model, tmp_path / "out", "--retry-failed", grid=SHORT_GRID))
    assert code == 0, errors[-2000:]
    assert [event["state"] for event in events] == ["done before", "done"]


@pytest.mark.parametrize(
    ("size", "done", "failure"),
    [
        # Not even the log of the cell fits: its output is lost, and the evaluation goes on.
        ("8k", [], "failed: lm_eval could not write the samples of mqa_illusion_en_gen, mqa_illusion_en_mc to"),
        # In pages of 4 KiB: a log 1, results 4, samples of gen 2, and 1 of the 2 or 3 that samples of mc need.
        ("32k", [], "failed: lm_eval could not write the samples of mqa_illusion_en_mc to"),
        # Enough for one cell.
        ("56k", ["done"], "failed: "),
    ],
)
def test_a_full_output_disk_leaves_no_truncated_cell(tmp_path, store, size, done, failure):
    model, out = save_tiny("llama", tmp_path / "model"), tmp_path / "out"
    out.mkdir()
    grid = [*SHORT_GRID[:-1], "5"]
    code, events, errors = wait_for(start(model, out, grid=grid, mount=mounted(out, f"size={size}")))
    assert code == 1
    states = [event["state"] for event in events]
    assert states[: len(done)] == done
    assert states[len(done)].startswith(failure)
    assert states_of(events[len(done) :]) == ["failed"] * (SHORT_CELLS - len(done))
    assert "Traceback" not in errors
    # What the libraries write is not shown in place of the log.
    assert all(line.startswith(("lm-eval-illusion: ", "failed: ")) for line in errors.splitlines()), errors


def test_a_folder_of_another_person_is_not_reported_but_kept_and_a_long_path_is_no_obstacle(tmp_path, store):
    # lm_eval names a folder by the whole path of the model.
    model, out = save_tiny("llama", tmp_path / ("a" * 130) / ("b" * 130)), tmp_path / "out"
    grid = ["--pruner", "none", *SHORT_GRID[4:]]
    code, (event,), errors = wait_for(start(model, out, grid=grid))
    assert (code, event["state"], errors) == (0, "done", "")
    report, cell = report_of(out), out / "cells" / event["cell"]
    (results,) = cell.rglob("results_*.json")
    planted = results.with_name("results_2026-11-24T10-00-00.000000.json")
    planted.write_text(results.read_text())
    code, (event,), errors = wait_for(start(model, out, grid=grid))
    assert (code, event["state"]) == (0, "done")
    assert f"holds {planted.relative_to(cell).as_posix()[:90]}" in errors
    assert errors.endswith(f"its folder is moved to {out / 'replaced'}: run again\n")
    assert errors.count("\n") == 1
    assert report_of(out) == report
    assert [path.name for path in (out / "replaced").rglob("results_2026-11-24*")] == [planted.name]


def test_a_report_that_cannot_be_written_is_an_error(tmp_path, store):
    model, out = save_tiny("llama", tmp_path / "model"), tmp_path / "out"
    (out / "report").mkdir(parents=True)
    # A folder in place of a file.
    (out / "report" / "report.json").mkdir()
    code, events, errors = wait_for(start(model, out, grid=SHORT_GRID))
    assert code == 1
    assert states_of(events) == ["done"] * SHORT_CELLS
    assert "report.json can't be replaced (it is no file): delete it or give another --out" in errors
    assert len(errors.splitlines()) == 1
