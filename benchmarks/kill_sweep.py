"""Kill a sweep of 12 cells at random moments, resume it each time, and look whether anything was lost: `python -m benchmarks.kill_sweep`.

The sweep runs once undisturbed, then with `kill -9` at moments drawn from a seed, of the command itself or (with --engine ray) of a worker
or of Ray's own daemon, and is resumed by the same command wherever it ended. If a sweep ends before all kills were dealt, another begins
in a folder and a store of its own. At the end each report.json must be the undisturbed one but for the names of files, which hold times;
every entry of the stores must verify; and no finished cell and no checkpoint may have been made again (their records' inodes and times).
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
Made = dict[Path, tuple[int, int]]


@dataclass
class Figures:
    """What came of it."""

    kills: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    made_again: list[Path] = field(default_factory=list)
    done_at_kills: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Round:
    """A sweep in a folder and a store of its own."""

    folder: Path
    options: argparse.Namespace

    @property
    def out(self) -> Path:
        """Of the sweep."""
        return self.folder / "out"

    @property
    def store(self) -> Path:
        """Of its pruned checkpoints."""
        return self.folder / "store"

    def start(self) -> psutil.Popen:
        """The same command each time."""
        command = [sys.executable, "-m", "lm_eval_illusion.cli", "sweep", str(self.folder.parent / "study.yaml")]
        command += ["--out", str(self.out), "--limit", str(self.options.limit), "--engine", self.options.engine]
        self.folder.mkdir(exist_ok=True)
        environment = {**os.environ, "LM_EVAL_ILLUSION_STORE": str(self.store), "OMP_NUM_THREADS": "1"}
        with (self.folder / "said.txt").open("a") as said:
            return psutil.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=environment)

    def entries(self) -> list[Path]:
        """Of the store; none is set aside, unless it was corrupt."""
        return sorted(entry for entry in self.store.glob("*") if entry.name != ".work")

    def made(self) -> Made:
        """What is finished: cells and checkpoints, with what would change if one were made again."""
        paths = [*self.out.glob("cells/*/completed.json"), *(entry / "manifest.json" for entry in self.entries())]
        return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}

    def report(self) -> dict[str, Any]:
        """report.json without the names of the runs' files."""
        report: dict[str, Any] = json.loads((self.out / "report" / "report.json").read_text(encoding="utf-8"))
        for variant in report["variants"]:
            del variant["runs"]
        return report


def deal_kills(folder: Path, options: argparse.Namespace, window: float) -> tuple[list[Round], Figures]:
    """Rounds of sweeps, `options.kills` kills in all; the last one runs to its end."""
    rng, figures, rounds = random.Random(options.seed), Figures(), []
    while sum(figures.kills.values()) < options.kills:
        rounds.append(Round(folder / f"round-{len(rounds) + 1}", options))
        disturb(rounds[-1], rng, options.kills, window, figures)
    return rounds, figures


def disturb(one: Round, rng: random.Random, most: int, window: float, figures: Figures) -> None:
    """Kill and resume one sweep until it ends, or until `most` kills were dealt in all, and then let it end."""
    finished: Made = {}
    process = one.start()
    figures.starts += 1
    while sum(figures.kills.values()) < most and not ended_within(process, rng.uniform(0, window)):
        what, victim = rng.choice([("the command", process), *parts_of(process)])
        with suppress(psutil.NoSuchProcess):  # a worker that ended by itself meanwhile
            victim.kill()
            figures.kills[what] += 1
        if what == "a worker":
            pass  # Ray runs the cell again
        elif process.wait() != 0:
            # At once: workers of the killed one may still be at it.
            process = one.start()
            figures.starts += 1
        finished = compare(finished, one.made(), figures)
    if process.wait() != 0:
        said = (one.folder / "said.txt").read_text()[-2000:]
        raise SystemExit(f"the sweep ended with exit code {process.returncode} after {figures.kills}:\n{said}")
    compare(finished, one.made(), figures)


def compare(before: Made, now: Made, figures: Figures) -> Made:
    """Note what was finished before and is now another or gone."""
    figures.made_again += [path for path, stamp in before.items() if now.get(path) != stamp]
    figures.done_at_kills.append(sum(path.name == "completed.json" for path in now))
    return now


def ended_within(process: psutil.Popen, seconds: float) -> bool:
    """Whether the process ended by itself."""
    try:
        process.wait(seconds)
    except psutil.TimeoutExpired:
        return False
    return True


def parts_of(process: psutil.Popen) -> Iterator[tuple[str, psutil.Process]]:
    """Ray's daemon and its workers, idle ones among them, but not its agents: it ends with them."""
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if child.name() == "raylet":
                yield "Ray's daemon", child
            elif child.cmdline()[:1] and child.cmdline()[0].startswith(("ray::IDLE", "ray::embedded")):
                yield "a worker", child


def main() -> None:
    """Once undisturbed, then disturbed; exit code 1 if anything was lost or made again."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kill_sweep", description=__doc__.splitlines()[0])
    for name, default in {"kills": 30, "seed": 0, "limit": 2}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--engine", choices=("local", "ray"), default="local")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "study.yaml").write_text(STUDY)
        whole = Round(folder / "whole", options)
        begin = time.perf_counter()
        if whole.start().wait() != 0:
            raise SystemExit((whole.folder / "said.txt").read_text())
        took = time.perf_counter() - begin
        seconds = [json.loads(path.read_text())["seconds"] for path in whole.out.glob("cells/*/completed.json")]
        # Up to the middle of the third cell or so: half of the kills fall before the first is done.
        window = max(took - sum(seconds), 5) + 2.5 * sum(seconds) / len(seconds)
        print(f"undisturbed: {len(seconds)} cells in {took:.0f} s, {len(whole.entries())} checkpoints", flush=True)
        rounds, figures = deal_kills(folder, options, window)
        sys.exit(say(whole, rounds, figures, window))


def say(whole: Round, rounds: list[Round], figures: Figures, window: float) -> int:
    """Print the figures. Returns the exit code."""
    wrong = {entry: said for one in (whole, *rounds) for entry in one.entries() if (said := verify(entry))}
    same = [one.report() == whole.report() for one in rounds]
    cells = [len(list(one.out.glob("cells/*"))) for one in rounds]
    kills = ", ".join(f"{number} of {what}" for what, number in figures.kills.items())
    print(f"kills: {kills}, within {window:.0f} s each; {figures.starts} starts, {len(rounds)} sweeps that ended")
    print(f"cells done after each kill and at the end of each sweep: {figures.done_at_kills}")
    print(f"reports equal to the undisturbed one: {sum(same)} of {len(same)}; cells: {cells}")
    print(f"checkpoints that verify: {sum(len(one.entries()) for one in rounds) - len(wrong)}, that don't: {len(wrong)}")
    print(f"made again though finished: {len(figures.made_again)}")
    whole_again = all(count == CELLS for count in cells) and all(len(one.entries()) == CELLS - 1 for one in rounds)
    return 0 if all(same) and whole_again and not wrong and not figures.made_again else 1


if __name__ == "__main__":
    main()
