"""Sweeps as a user starts them: a process with the command's arguments, on a tiny model and few items."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

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


def start(model: Path, out: Path, *more: str, grid: Sequence[str] = GRID, before: Sequence[str] = ()) -> subprocess.Popen:
    """Start a sweep; `before`: a command that runs it."""
    command = [*before, sys.executable, "-m", "lm_eval_illusion.cli", "sweep", "--out", str(out), "--log-json", *grid]
    command += ["--pretrained", str(model), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen) -> tuple[int, list[dict], str]:
    """The exit code, the events and what was written to standard error."""
    out, errors = process.communicate()
    return process.returncode, [json.loads(line) for line in out.splitlines() if line.startswith("{")], errors


def report_of(out: Path) -> dict:
    """Its report.json without what differs from run to run."""
    report = json.loads((out / "report" / "report.json").read_text(encoding="utf-8"))
    for variant in report["variants"]:
        del variant["runs"]  # named by date
    return report
