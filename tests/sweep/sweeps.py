"""Sweeps as a user starts them: a process with the command's arguments, on a tiny model and few items."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.mounts import Mount
from tests.prepared_process import RunningCommand, start_command

TASKS = ["--tasks", "mqa_illusion_en_mc", "mqa_illusion_en_gen", "--limit", "2"]
GRID = ["--pruner", "magnitude", "--sparsity", "0.5", "0.6", *TASKS]
CELLS = 3  # the dense model and two sparsities
SHORT_GRID = ["--pruner", "magnitude", "--sparsity", "0.5", *TASKS]
SHORT_CELLS = 2


def start(model: Path, out: Path, *more: str, grid: Sequence[str] = GRID, mount: Mount | None = None) -> RunningCommand:
    """Start a sweep in a prepared process. `mount`: a file system that only the sweep sees."""
    return start_command(arguments_of(model, out, grid, more), mount=mount)


def start_python(model: Path, out: Path, *more: str, grid: Sequence[str] = GRID) -> subprocess.Popen[str]:
    """Start a sweep in a new Python, whose libraries may write to standard error while they are imported."""
    command = [sys.executable, "-m", "lm_eval_illusion.cli", *arguments_of(model, out, grid, more)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def arguments_of(model: Path, out: Path, grid: Sequence[str] = GRID, more: Sequence[str] = ()) -> list[str]:
    """The arguments of `lm-eval-illusion` for a sweep over `grid` with the options `more`."""
    # A plan is read as text, unless --log-json is among `more`.
    form = [] if "--dry-run" in more else ["--log-json"]
    return ["sweep", "--out", str(out), *form, *grid, "--pretrained", str(model), *more]


def wait_for(process: RunningCommand | subprocess.Popen[str]) -> tuple[int | None, list[dict[str, Any]], str]:
    """Wait for the end of a sweep; return the exit code, the events and what was written to standard error."""
    out, errors = process.communicate()
    return process.returncode, [json.loads(line) for line in out.splitlines() if line.startswith("{")], errors


def states_of(events: Sequence[dict[str, Any]]) -> list[str]:
    """The state of each cell, without the reason of a failure."""
    return [event["state"].partition(":")[0] for event in events]


def report_of(out: Path) -> dict[str, Any]:
    """The sweep's report.json without the names of the runs, which hold the date."""
    report: dict[str, Any] = json.loads((out / "report" / "report.json").read_text(encoding="utf-8"))
    for variant in report["variants"]:
        del variant["runs"]
    return report
