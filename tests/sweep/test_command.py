"""Sweeps end to end on a tiny model: resumed after kill -9 and after failures, no finished cell is lost or run twice."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal

import psutil
import pytest

from lm_eval_illusion.models.chat_templates import unused_template_warning
from lm_eval_illusion.pruning.checkpoint_store import verify
from tests.prepared_process import wait_until
from tests.sweep.sweeps import CELLS, SHORT_CELLS, SHORT_GRID, TASKS, report_of, start, start_python, states_of, wait_for
from tests.tiny_models import save_tiny

pytestmark = pytest.mark.slow


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", str(tmp_path / "store"))
    return save_tiny("llama", tmp_path / "model")


def completed_cells(out):
    """The record of each finished cell and the time when it was written."""
    return {path: path.stat().st_mtime_ns for path in out.glob("cells/*/completed.json")}


def test_a_sweep_killed_at_any_stage_resumes_to_the_same_report_without_repeating_a_cell(tmp_path, monkeypatch, model):
    code, events, errors = wait_for(start_python(model, tmp_path / "whole"))
    # Messages and progress bars of the libraries go to one log file per cell.
    assert (code, errors) == (0, "")
    assert len(list((tmp_path / "whole" / "logs").iterdir())) == CELLS
    assert states_of(events) == ["done"] * CELLS

    # The killed sweep has to make its checkpoints itself.
    store, out = tmp_path / "other-store", tmp_path / "killed"
    monkeypatch.setenv("LM_EVAL_ILLUSION_STORE", str(store))

    def unfinished_checkpoints():
        return [path for path in store.glob(".work/*-*") if path.is_dir()]

    stages = {
        "the first cell runs": lambda: list((out / ".unfinished").glob("*-*")),
        "the first cell is finished": lambda: completed_cells(out),
        "a checkpoint is made": unfinished_checkpoints,
        "a checkpoint is written": lambda: [path for folder in unfinished_checkpoints() for path in folder.iterdir()],
        "the second cell is finished": lambda: len(completed_cells(out)) >= 2,
    }
    before: dict = {}
    for stage, is_reached in stages.items():
        process = start(model, out)
        wait_until(is_reached, process)
        process.kill()
        code, events, errors = wait_for(process)
        assert code == -signal.SIGKILL, f"{stage}: the sweep had ended before it was killed: {errors[-2000:]}"
        assert len(states_of(events)) < CELLS, stage
        # Whatever was finished before is still the same file, and was not run again.
        assert states_of(events).count("done before") == len(before), stage
        assert before.items() <= completed_cells(out).items(), stage
        before = completed_cells(out)
    assert 2 <= len(before) < CELLS
    code, events, errors = wait_for(start(model, out))
    assert code == 0, errors[-2000:]
    assert states_of(events) == ["done before"] * len(before) + ["done"] * (CELLS - len(before))
    assert before.items() <= completed_cells(out).items()
    assert not unfinished_checkpoints()
    assert report_of(out) == report_of(tmp_path / "whole")


def test_a_failed_cell_is_recorded_the_others_run_and_retry_failed_runs_it_again(tmp_path, model):
    broken = tmp_path / "broken"
    broken.mkdir()
    code, events, errors = wait_for(start(model, tmp_path / "out", str(broken)))
    assert code == 1
    assert states_of(events) == ["done"] * CELLS + ["failed"] * CELLS
    assert "can't be loaded" in next((tmp_path / "out" / "failed").iterdir()).read_text()
    assert errors.count("--retry-failed runs it again") == CELLS
    assert {row["variant"] for row in report_of(tmp_path / "out")["rows"]} == {"dense", "magnitude-0.5", "magnitude-0.6"}
    # Without --retry-failed no failed cell runs again; with it, and a model that loads, all finish.
    code, events, _ = wait_for(start(model, tmp_path / "out", str(broken)))
    assert (code, states_of(events)) == (1, ["done before"] * CELLS + ["failed before"] * CELLS)
    save_tiny("llama", broken)
    code, events, errors = wait_for(start(model, tmp_path / "out", str(broken), "--retry-failed"))
    assert code == 0, errors[-2000:]
    assert states_of(events) == ["done before"] * CELLS + ["done"] * CELLS
    assert not list((tmp_path / "out" / "failed").iterdir())


def test_a_changed_model_makes_new_cells_and_says_so(tmp_path, model):
    out, original = tmp_path / "out", tmp_path / "original"
    assert wait_for(start(model, out, grid=SHORT_GRID))[0] == 0
    before, first_report = completed_cells(out), report_of(out)
    shutil.copytree(model, original)
    save_tiny("qwen3", model)
    (model / "chat_template.jinja").write_text("<user>{{ messages[-1].content }}<assistant>")
    code, events, errors = wait_for(start(model, out, grid=SHORT_GRID))
    assert (code, states_of(events)) == (0, ["done"] * SHORT_CELLS)
    *changes, warning = errors.splitlines()
    assert changes == [
        f"lm-eval-illusion: {variant} of {model}: model {model} changed since that cell ran: run again"
        for variant in ("dense", "magnitude-0.5")
    ]
    # Both cells run without the template; the sweep says so once.
    assert warning == f"lm-eval-illusion: {unused_template_warning(str(model))}"
    # The earlier results stay, but not in the report.
    assert before.items() <= completed_cells(out).items()
    report = json.loads((out / "report" / "report.json").read_text(encoding="utf-8"))
    reported = {run for variant in report["variants"] for run in variant["runs"]}
    new_cells = [path.parent for path in completed_cells(out) if path not in before]
    assert reported == {path.name for folder in new_cells for path in folder.rglob("results_*.json")}

    # With the template there is no warning, and its text is in every prompt.
    code, events, errors = wait_for(start(model, out, "--apply_chat_template", grid=["--pruner", "none", *TASKS]))
    assert (code, states_of(events), errors) == (0, ["done"], "")
    path = next(path for path in completed_cells(out) if json.loads(path.read_text())["apply_chat_template"])
    rows = [json.loads(line) for file in path.parent.rglob("samples_*gen*") for line in file.read_text().splitlines()]
    assert len(rows) == 2
    for row in rows:
        assert re.fullmatch("<user>.+<assistant>", row["arguments"]["gen_args_0"]["arg_0"], re.DOTALL)

    # The earlier contents are those of the earlier cells, which are done.
    shutil.rmtree(model)
    shutil.copytree(original, model)
    code, events, errors = wait_for(start(model, out, grid=SHORT_GRID))
    assert (code, states_of(events), errors) == (0, ["done before"] * SHORT_CELLS, "")
    assert report_of(out) == first_report


def test_a_folder_of_an_earlier_version_is_not_accepted_without_a_word(tmp_path, model):
    out = tmp_path / "out"
    names = [event["cell"] for event in wait_for(start(model, out, grid=SHORT_GRID))[1]]
    for name in names:
        # Its cells were named by their arguments alone, and their records held no contents.
        folder = (out / "cells" / name).rename(out / "cells" / name.rpartition("-")[0])
        record = json.loads((folder / "completed.json").read_text())
        del record["inputs"]
        (folder / "completed.json").write_text(json.dumps(record))
    process = start(model, out, "--dry-run", grid=SHORT_GRID)
    text, _ = process.communicate()
    state = "to do (it ran with an earlier version, which did not record the contents of its inputs)"
    assert text.splitlines()[: len(names)] == [f"{name}: {state}" for name in names]


def test_two_sweeps_at_once_with_one_store_make_each_checkpoint_once(tmp_path, model):
    both = [start(model, tmp_path / name) for name in ("one", "other")]
    for process in both:
        code, _, errors = wait_for(process)
        assert code == 0, errors[-2000:]
    entries = entries_of(tmp_path / "store")
    assert len(entries) == CELLS - 1  # the dense cell has no checkpoint
    assert [verify(entry) for entry in entries] == [None] * len(entries)
    # A checkpoint made twice would have replaced this folder or set it aside.
    before = [(entry / "manifest.json").stat() for entry in entries]
    assert keys_of(tmp_path / "one") == keys_of(tmp_path / "other")
    assert {key for key in keys_of(tmp_path / "one") if key} == {entry.name for entry in entries}
    code, _, errors = wait_for(start(model, tmp_path / "third"))
    assert code == 0, errors[-2000:]
    after = [(entry / "manifest.json").stat() for entry in entries_of(tmp_path / "store")]
    assert [(status.st_ino, status.st_mtime_ns) for status in after] == [
        (status.st_ino, status.st_mtime_ns) for status in before
    ]
    assert report_of(tmp_path / "one") == report_of(tmp_path / "other") == report_of(tmp_path / "third")


def entries_of(store):
    """The checkpoints of a store."""
    return sorted(entry for entry in store.iterdir() if entry.name != ".work")


def keys_of(out):
    """The store key of each cell; None for the dense cell."""
    results = sorted(out.glob("cells/*/*/results_*.json"))
    return [json.loads(path.read_text(encoding="utf-8"))["config"]["illusion"]["key"] for path in results]


def test_a_dry_run_lists_the_cells_and_runs_none(tmp_path, model):
    process = start(model, tmp_path / "out", "--dry-run")
    out, _ = process.communicate()
    assert process.returncode == 0
    assert out.count(": to do") == CELLS
    assert f"{CELLS} cells, {CELLS} to do" in out
    assert not (tmp_path / "out").exists()


def test_with_log_json_standard_output_is_json_lines_only(tmp_path, model):
    for options in ([], ["--dry-run", "--log-json"]):
        process = start(model, tmp_path / "out", *options, grid=SHORT_GRID)
        out, _ = process.communicate()
        assert process.returncode == 0
        assert [json.loads(line)["state"] for line in out.splitlines()] == ["done"] * SHORT_CELLS
    assert (tmp_path / "out" / "report" / "report.json").exists()


def test_a_dry_run_tells_what_retry_failed_would_do(tmp_path, model):
    out, plan = tmp_path / "out", ("--dry-run", "--log-json")
    _, events, _ = wait_for(start(model, out, *plan, grid=SHORT_GRID))
    assert states_of(events) == ["to do"] * SHORT_CELLS
    (out / "failed").mkdir(parents=True)
    (out / "failed" / f"{events[0]['cell']}.txt").touch()
    _, events, errors = wait_for(start(model, out, *plan, grid=SHORT_GRID))
    assert [event["state"] for event in events] == ["failed", "to do"]
    assert f"{SHORT_CELLS} cells, 1 to do" in errors
    _, events, errors = wait_for(start(model, out, *plan, "--retry-failed", grid=SHORT_GRID))
    assert [event["state"] for event in events] == ["to do (it failed before)", "to do"]
    assert f"{SHORT_CELLS} cells, 2 to do" in errors


def test_sigterm_ends_a_sweep_and_its_process_and_leaves_no_unfinished_cell(tmp_path, model):
    out = tmp_path / "out"
    process = start(model, out, grid=SHORT_GRID)
    sweep = psutil.Process(process.pid)
    wait_until(lambda: list((out / ".unfinished").glob("*-*")) and sweep.children(), process)
    children = sweep.children()
    os.kill(process.pid, signal.SIGTERM)
    code, _, errors = wait_for(process)
    assert (code, errors) == (143, "lm-eval-illusion: ended by SIGTERM\n")
    assert list((out / ".unfinished").iterdir()) == []
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
