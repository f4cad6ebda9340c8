"""Kill a sweep of 12 cells at random moments, resume it each time, and check that nothing was lost: `python -m benchmarks.kill_sweep`.

The sweep runs once undisturbed. Then it is killed with `kill -9` at moments drawn from a seed: the command itself, or with --engine ray a
worker or Ray's daemon. The same command resumes it. If a sweep ends before all kills have happened, another begins in a new folder with
its own store. At the end every report.json must equal the undisturbed one except for the names of files, which hold times; every entry
of the stores must verify; and no finished cell or checkpoint may have been made again (inode and time of its record).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from lm_eval_illusion.pruning.checkpoint_store import verify

STUDY = """\
pretrained: embedded
pruner: [wanda, sparsegpt, magnitude]
sparsity: [0.5, 0.6, 0.7]
tasks: [mqa_illusion_en_mc, mqa_illusion_en_gen, mqa_illusion_fi_mc, mqa_illusion_fi_gen]
model_args: {calibration_samples: 32, calibration_length: 64}
include:
  - {pruner: wanda, mask_structure: "2:4"}
  - {pruner: magnitude, sparsity: 0.4}
"""
CELLS = 12
Finished = dict[Path, tuple[int, int]]


@dataclass
class Figures:
    """The counts of the benchmark: kills by target, starts of the command, files made again, number of cells done at each kill."""

    kills: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    made_again: list[Path] = field(default_factory=list)
    done_at_kills: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class SweepRun:
    """A sweep with its own folder and its own store."""

    folder: Path
    options: argparse.Namespace

    @property
    def out(self) -> Path:
        """The output folder of the sweep."""
        return self.folder / "out"

    @property
    def store(self) -> Path:
        """The store of its pruned checkpoints."""
        return self.folder / "store"

    def start(self) -> psutil.Popen:
        """Start the sweep's command. It is the same command each time."""
        command = [sys.executable, "-m", "lm_eval_illusion.cli", "sweep", str(self.folder.parent / "study.yaml")]
        command += ["--out", str(self.out), "--limit", str(self.options.limit), "--engine", self.options.engine]
        self.folder.mkdir(exist_ok=True)
        environment = {**os.environ, "LM_EVAL_ILLUSION_STORE": str(self.store), "OMP_NUM_THREADS": "1"}
        with (self.folder / "output.txt").open("a") as output:
            return psutil.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)

    def entries(self) -> list[Path]:
        """Return the entries of the store, including those set aside as corrupt."""
        return sorted(entry for entry in self.store.glob("*") if entry.name != ".work")

    def finished(self) -> Finished:
        """Return the record and manifest files of finished cells and checkpoints, with inode and time; both change in a new file."""
        paths = [*self.out.glob("cells/*/completed.json"), *(entry / "manifest.json" for entry in self.entries())]
        return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}

    def report(self) -> dict[str, Any]:
        """Return the content of report.json without the names of the runs' files."""
        report: dict[str, Any] = json.loads((self.out / "report" / "report.json").read_text(encoding="utf-8"))
        for variant in report["variants"]:
            del variant["runs"]
        return report


def run_with_kills(folder: Path, options: argparse.Namespace, window: float) -> tuple[list[SweepRun], Figures]:
    """Run sweeps one after the other until `options.kills` kills have happened; the last sweep runs to its end."""
    rng, figures, sweeps = random.Random(options.seed), Figures(), []
    while sum(figures.kills.values()) < options.kills:
        sweeps.append(SweepRun(folder / f"round-{len(sweeps) + 1}", options))
        disturb(sweeps[-1], rng, options.kills, window, figures)
    return sweeps, figures


def disturb(sweep: SweepRun, rng: random.Random, most: int, window: float, figures: Figures) -> None:
    """Kill and resume one sweep until it ends, or until `most` kills have happened in all; then let it end."""
    finished: Finished = {}
    process = sweep.start()
    figures.starts += 1
    while sum(figures.kills.values()) < most and not ended_within(process, rng.uniform(0, window)):
        target, victim = rng.choice([("the command", process), *parts_of(process)])
        with suppress(psutil.NoSuchProcess):  # the worker ended by itself in the meantime
            victim.kill()
            figures.kills[target] += 1
        if target == "a worker":
            pass  # Ray runs the cell again
        elif process.wait() != 0:
            # Resume at once: workers of the killed command may still be running.
            process = sweep.start()
            figures.starts += 1
        finished = compare(finished, sweep.finished(), figures)
    if process.wait() != 0:
        output = (sweep.folder / "output.txt").read_text()[-2000:]
        raise SystemExit(f"the sweep ended with exit code {process.returncode} after {figures.kills}:\n{output}")
    compare(finished, sweep.finished(), figures)


def compare(before: Finished, now: Finished, figures: Figures) -> Finished:
    """Record the files that were finished before and have since been replaced or deleted. Return `now`."""
    figures.made_again += [path for path, stamp in before.items() if now.get(path) != stamp]
    figures.done_at_kills.append(sum(path.name == "completed.json" for path in now))
    return now


def ended_within(process: psutil.Popen, seconds: float) -> bool:
    """Return whether the process ends by itself within `seconds`."""
    try:
        process.wait(seconds)
    except psutil.TimeoutExpired:
        return False
    return True


def parts_of(process: psutil.Popen) -> Iterator[tuple[str, psutil.Process]]:
    """Yield Ray's daemon and its workers, including idle ones, but not its agents: without them the daemon ends."""
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if child.name() == "raylet":
                yield "Ray's daemon", child
            elif child.cmdline()[:1] and child.cmdline()[0].startswith(("ray::IDLE", "ray::embedded")):
                yield "a worker", child


def main() -> None:
    """Run the sweep undisturbed, then with kills; exit with code 1 if anything was lost or made again."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kill_sweep", description=__doc__.splitlines()[0])
    for name, default in {"kills": 30, "seed": 0, "limit": 2}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--engine", choices=("local", "ray"), default="local")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "study.yaml").write_text(STUDY)
        undisturbed = SweepRun(folder / "undisturbed", options)
        begin = time.perf_counter()
        if undisturbed.start().wait() != 0:
            raise SystemExit((undisturbed.folder / "output.txt").read_text())
        elapsed = time.perf_counter() - begin
        seconds = [json.loads(path.read_text())["seconds"] for path in undisturbed.out.glob("cells/*/completed.json")]
        # Up to about the middle of the third cell: half of the kills happen before the first cell is done.
        window = max(elapsed - sum(seconds), 5) + 2.5 * sum(seconds) / len(seconds)
        print(f"undisturbed: {len(seconds)} cells in {elapsed:.0f} s, {len(undisturbed.entries())} checkpoints", flush=True)
        sweeps, figures = run_with_kills(folder, options, window)
        sys.exit(print_figures(undisturbed, sweeps, figures, window))


def print_figures(undisturbed: SweepRun, sweeps: list[SweepRun], figures: Figures, window: float) -> int:
    """Print the figures and return the exit code."""
    faults = {entry: fault for sweep in (undisturbed, *sweeps) for entry in sweep.entries() if (fault := verify(entry))}
    is_equal = [sweep.report() == undisturbed.report() for sweep in sweeps]
    cells = [len(list(sweep.out.glob("cells/*"))) for sweep in sweeps]
    kills = ", ".join(f"{number} of {target}" for target, number in figures.kills.items())
    print(f"kills: {kills}, within {window:.0f} s each; {figures.starts} starts, {len(sweeps)} sweeps that ended")
    print(f"cells done after each kill and at the end of each sweep: {figures.done_at_kills}")
    print(f"reports equal to the undisturbed one: {sum(is_equal)} of {len(is_equal)}; cells: {cells}")
    print(f"checkpoints that verify: {sum(len(sweep.entries()) for sweep in sweeps) - len(faults)}, that don't: {len(faults)}")
    print(f"made again though finished: {len(figures.made_again)}")
    is_complete = all(count == CELLS for count in cells) and all(len(sweep.entries()) == CELLS - 1 for sweep in sweeps)
    return 0 if all(is_equal) and is_complete and not faults and not figures.made_again else 1


if __name__ == "__main__":
    main()
