"""`accelerate launch` with two processes on the CPU gives the rows of one process and prunes once."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.prepared_process import run_command

TASKS = ["mqa_illusion_en_mc", "mqa_illusion_en_gen", "mqa_illusion_en_beam", "mqa_illusion_en_sample"]
# An odd number: lm_eval appends repeats of the last request to the second process's list.
LIMIT = 5


def evaluate(out, launcher):
    """Run lm_eval; return the rows of each task by item, without fields that differ from run to run, and the results."""
    arguments = {
        "pruner": "wanda",
        "sparsity": 0.7,
        "calibration_samples": 8,
        "calibration_length": 64,
        "store": out.parent / "store",
    }
    pruning = ",".join(f"{name}={value}" for name, value in arguments.items())
    command = ["run", "--model", "pruned-hf", "--model_args", f"pretrained=embedded,{pruning}"]
    command += ["--device", "cpu", "--batch_size", "4"]
    command += ["--tasks", ",".join(TASKS), "--limit", str(LIMIT), "--output_path", str(out), "--log_samples"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if launcher:
        whole = [sys.executable, *launcher, "-m", "lm_eval_illusion.cli", *command]
        done = subprocess.run(whole, capture_output=True, text=True, env=environment)
    else:
        done = run_command(command, environment=environment)
    assert done.returncode == 0, done.stderr
    rows = {}
    for task in TASKS:
        (file,) = out.rglob(f"samples_{task}_*.jsonl")
        rows[task] = {}
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            assert row["doc"]["id"] not in rows[task]
            rows[task][row["doc"]["id"]] = {name: row[name] for name in (*row["metrics"], "filtered_resps")}
    (results,) = out.rglob("results_*.json")
    return rows, json.loads(results.read_text(encoding="utf-8"))["results"]


@pytest.mark.slow
def test_two_processes_answer_like_one_and_prune_once(tmp_path):
    launcher = ["-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", "--num_machines", "1"]
    launcher += ["--mixed_precision", "no", "--dynamo_backend", "no"]
    two, two_results = evaluate(tmp_path / "two", launcher)
    entries = [entry for entry in (tmp_path / "store").iterdir() if entry.name != ".work"]
    written = [(entry / "manifest.json").stat().st_mtime_ns for entry in entries]
    single, single_results = evaluate(tmp_path / "one", [])
    assert len(written) == 1
    assert [(entry / "manifest.json").stat().st_mtime_ns for entry in entries] == written
    for task in TASKS:
        assert len(two[task]) == LIMIT
        for item, row in single[task].items():
            assert two[task][item].keys() == row.keys()
            if task.endswith("_mc"):
                scores = [[float(score) for score, _ in run_row["filtered_resps"]] for run_row in (row, two[task][item])]
                assert scores[0] == pytest.approx(scores[1], abs=1e-4)
            else:
                assert two[task][item] == row
        for metric, value in single_results[task].items():
            if isinstance(value, float):
                assert two_results[task][metric] == pytest.approx(value, abs=1e-9), (task, metric)
