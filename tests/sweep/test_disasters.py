"""A disk without room, a store that can't be written, a model that isn't there: a clear line each, and the other cells are unharmed."""

from __future__ import annotations

import subprocess

import pytest

from tests.sweep.sweeps import finished, report_of, start
from tests.tiny_models import save_tiny

GRID = ["--pruner", "magnitude", "--sparsity", "0.5", "--tasks", "mqa_illusion_en_mc", "mqa_illusion_en_gen", "--limit", "2"]

pytestmark = pytest.mark.slow


def mounted(folder, options):
    """A command that runs another with a file system of its own mounted at `folder`, gone when it ends."""
    shell = f'mount -t tmpfs -o {options} tmpfs "$0" && exec "$@"'
    # As root, or else as root of a user namespace of one's own.
    for unshare in (["unshare", "-m"], ["unshare", "-rm"]):
        before = [*unshare, "sh", "-c", shell, str(folder)]
        if subprocess.run([*before, "true"], capture_output=True).returncode == 0:
            return before
    pytest.skip("nothing can be mounted here")


@pytest.mark.parametrize(
    ("options", "said"),
    [("size=300k", "No space left on device"), ("ro", "Read-only file system")],
    ids=["full", "read-only"],
)
def test_a_store_that_takes_no_checkpoint_and_a_model_that_is_not_there(tmp_path, monkeypatch, options, said):
    store = tmp_path / "store"
    store.mkdir()
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", str(store))
    model = save_tiny("llama", tmp_path / "model")
    missing = str(tmp_path / "missing")
    code, events, errors = finished(start(model, tmp_path / "out", missing, grid=GRID, before=mounted(store, options)))
    assert code == 1
    states = [event["state"] for event in events]
    assert states[0] == "done"
    assert states[1].startswith(f"failed: store {store} can't be used (")
    assert said in states[1]
    assert [f"failed: pretrained '{missing}' is neither a folder" in state for state in states[2:]] == [True, True]
    assert len(errors.splitlines()) == 3
    assert "Traceback" not in errors
    assert {row["variant"] for row in report_of(tmp_path / "out")["rows"]} == {"dense"}
    # Once there is room, what failed is done, and nothing else.
    code, events, errors = finished(start(model, tmp_path / "out", "--retry-failed", grid=GRID))
    assert code == 0, errors[-2000:]
    assert [event["state"] for event in events] == ["done before", "done"]


@pytest.mark.parametrize(
    ("size", "done", "said"),
    [
        # In pages of 4 KiB: a log 1, results 4, samples of gen 2, and 1 of the 2 or 3 that samples of mc need.
        ("32k", [], "failed: lm_eval could not write the samples of mqa_illusion_en_mc to"),
        # Room for one cell.
        ("56k", ["done"], "failed: "),
    ],
)
def test_an_out_without_room_leaves_no_cell_that_is_cut_off(tmp_path, monkeypatch, size, done, said):
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", str(tmp_path / "store"))
    model, out = save_tiny("llama", tmp_path / "model"), tmp_path / "out"
    out.mkdir()
    grid = [*GRID[:-1], "5"]
    code, events, errors = finished(start(model, out, grid=grid, before=mounted(out, f"size={size}")))
    assert code == 1
    states = [event["state"] for event in events]
    assert states[: len(done)] == done
    assert states[len(done)].startswith(said)
    assert {state.split(":")[0] for state in states[len(done) :]} == {"failed"}
    assert "Traceback" not in errors


def test_a_report_that_cannot_be_written_is_no_success(tmp_path, monkeypatch):
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", str(tmp_path / "store"))
    model, out = save_tiny("llama", tmp_path / "model"), tmp_path / "out"
    (out / "report").mkdir(parents=True)
    # A folder where a file should be.
    (out / "report" / "report.json").mkdir()
    code, events, errors = finished(start(model, out, grid=[*GRID[2:], "--pruner", "magnitude"]))
    assert code == 1
    assert {event["state"] for event in events} == {"done"}
    assert "can't be written" in errors
    assert len(errors.splitlines()) == 1
