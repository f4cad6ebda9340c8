"""Two processes of `torchrun` on the CPU give the rows of one process, and prune once.

What `torchrun --standalone` starts is started here in the same way, but forked from a process that has imported everything.
`accelerate launch --cpu --num_processes 2` would start one process: without MPI it has no launcher for several processes on CPUs.
"""

from __future__ import annotations

import json
import os
import sys
from functools import partial

import pytest

from tests.prepared_process import start_command, start_function

TASKS = ["mqa_illusion_en_mc", "mqa_illusion_en_gen", "mqa_illusion_en_beam", "mqa_illusion_en_sample"]
# An odd number: lm_eval appends repeats of the last request to the second process's list.
LIMIT = 5
PRUNING = "pruner=wanda,sparsity=0.7,calibration_samples=8,calibration_length=64"


def run_twice(arguments):
    """Run the command on two ranks, as `torchrun --standalone --nproc-per-node 2` does."""
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=2,
        run_id="two",
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        start_method="fork",
        max_restarts=0,
    )
    elastic_launch(config, counting_command)(arguments)


def counting_command(arguments):
    """The command, with a line in the file PRUNINGS for each time that a model is pruned."""
    from lm_eval_illusion.cli import main
    from lm_eval_illusion.pruning import compressor

    prune_in_place = compressor.prune_in_place

    def counted(*arguments):
        with open(os.environ["PRUNINGS"], "a") as file:
            file.write("pruned\n")
        return prune_in_place(*arguments)

    compressor.prune_in_place = counted
    sys.argv = ["lm-eval-illusion", *arguments]
    if code := main():
        raise RuntimeError(f"exit code {code}")


def evaluate(out, store, ranks=1, **variables):
    """Run lm_eval; return the rows of each task by item, without fields that differ from run to run, the results, and the log."""
    pruning = f"{PRUNING},store={store}"
    command = ["run", "--model", "pruned-hf", "--model_args", f"pretrained=embedded,{pruning}"]
    command += ["--device", "cpu", "--batch_size", "4"]
    command += ["--tasks", ",".join(TASKS), "--limit", str(LIMIT), "--output_path", str(out), "--log_samples"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    start = start_command if ranks == 1 else partial(start_function, run_twice)
    running = start(command, environment=environment)
    _, log = running.communicate()
    assert running.returncode == 0, log
    rows = {}
    for task in TASKS:
        (file,) = out.rglob(f"samples_{task}_*.jsonl")
        rows[task] = {}
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            assert row["doc"]["id"] not in rows[task]
            rows[task][row["doc"]["id"]] = {name: row[name] for name in (*row["metrics"], "filtered_resps")}
    (results,) = out.rglob("results_*.json")
    return rows, json.loads(results.read_text(encoding="utf-8"))["results"], log


@pytest.mark.slow
def test_two_processes_answer_like_one_and_prune_once(tmp_path):
    prunings, temporary = tmp_path / "prunings", tmp_path / "tmp"
    temporary.mkdir()
    variables = {"PRUNINGS": str(prunings), "TMPDIR": str(temporary), "ACCELERATE_USE_CPU": "true"}
    two, two_results, log = evaluate(tmp_path / "two", "off", ranks=2, **variables)
    single, single_results, _ = evaluate(tmp_path / "one", tmp_path / "store")
    assert "on rank 0" in log
    assert "on rank 1" in log
    assert prunings.read_text(encoding="utf-8") == "pruned\n"
    # The last process deleted the checkpoint that both had loaded.
    assert not list(temporary.glob("lm-eval-illusion*"))
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
