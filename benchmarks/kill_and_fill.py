"""Kill stores and sweeps, fill their disks and make parts read-only: nothing may be lost. `python -m benchmarks.kill_and_fill`.

Each disaster begins with a sweep that has finished cells and checkpoints, and hits a command that adds some. Afterwards
- every checkpoint and cell is whole or absent, by a reading that shares no code with the package (benchmarks/whole_or_absent.py),
- every file that was finished before is the same file,
- the command that was hit ended with a documented exit code and one line for each problem, unless it was killed,
- the same command, run again, completes; its report or checkpoint equals the undisturbed one; nothing unfinished is left over.

Disks and read-only folders are mounts that only this process and its children see, so it needs root or user namespaces.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from benchmarks.whole_or_absent import faults, finished_files, leftovers, report_of, state_of
from tests.mounts import Mount, can_mount, enter_namespace, make_mount, undo_mount
from tests.prepared_process import RunningCommand, start_function
from tests.tiny_models import save_tiny

STUDY = """\
pretrained: {model}
pruner: magnitude
sparsity: {sparsity}
tasks: [mqa_illusion_en_mc, mqa_illusion_en_gen]
limit: 2
"""
PRUNE = [
    "--pruner",
    "wanda",
    "--sparsity",
    "0.7",
    "--calibration",
    "embedded",
    "--calibration-samples",
    "8",
    "--calibration-length",
    "32",
]
EXIT_CODES = (0, 1, 2)
LONGEST_LINE = 1000
PAGE = 4096
TOO_LATE = "too late"
MOST_SECONDS = 300
"""A command that takes longer hangs."""


class Folders(NamedTuple):
    """The folders of one disaster."""

    root: Path

    @property
    def out(self) -> Path:
        """The output folder of the sweep."""
        return self.root / "out"

    @property
    def other(self) -> Path:
        """The output folder of a second sweep at the same time."""
        return self.root / "other"

    @property
    def exported(self) -> Path:
        """The folder that `prune` writes."""
        return self.root / "exported"

    @property
    def store(self) -> Path:
        """The store of the pruned checkpoints."""
        return self.root / "store"

    @property
    def temporary(self) -> Path:
        """The folder for temporary files, TMPDIR."""
        return self.root / "tmp"

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the commands."""
        home = str(self.root / "home")
        places = {"LM_EVAL_ILLUSION_STORE": str(self.store), "TMPDIR": str(self.temporary), "HOME": home}
        return {**os.environ, **places, "XDG_CACHE_HOME": f"{home}/.cache"}


@dataclass
class Disaster:
    """One line of the table. `problems`: what is lost or wrong; empty if all is well."""

    kind: str
    what: str
    codes: list[int | None] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Undisturbed(NamedTuple):
    """What the commands give undisturbed, to compare with. `seconds`: of the sweep and of `prune`; `growth`: bytes by folder."""

    folder: Path
    model: Path
    report: dict[str, Any]
    exported: dict[str, str]
    seconds: dict[str, float]


def start(arguments: list[str], folders: Folders) -> RunningCommand:
    """Start a command in a process group of its own."""
    return start_function(_command, arguments, environment=folders.environment, folder=folders.root)


def _command(arguments: list[str]) -> int:
    from lm_eval_illusion.cli import main

    os.setpgid(0, 0)
    return main(arguments)


def sweep(folders: Folders, out: Path | None = None, study: str = "whole.yaml") -> list[str]:
    """Return the arguments of the sweep."""
    return ["sweep", str(folders.root / study), "--out", str(out or folders.out), "--log-json", "--retry-failed"]


def prune(folders: Folders, model: Path) -> list[str]:
    """Return the arguments of the export."""
    return ["prune", "--pretrained", str(model), "--out", str(folders.exported), *PRUNE]


def finish(
    process: RunningCommand, disaster: Disaster, allowed: tuple[int, ...] = EXIT_CODES, is_sweep: bool = True
) -> int | None:
    """Wait for a command that was not killed, and check its exit code and its messages."""
    with suppress(psutil.NoSuchProcess):
        try:
            psutil.Process(process.pid).wait(MOST_SECONDS)
        except psutil.TimeoutExpired:
            disaster.problems.append(f"takes more than {MOST_SECONDS} s")
            os.killpg(process.pid, signal.SIGKILL)
    _, errors = process.communicate()
    disaster.codes.append(process.returncode)
    lines = errors.splitlines()
    if process.returncode not in allowed:
        disaster.problems.append(f"exit code {process.returncode}: {errors[-500:]}")
    if process.returncode and not lines:
        disaster.problems.append("no message")
    if "Traceback" in errors:
        disaster.problems.append(f"a traceback: {errors[-500:]}")
    # The output of the libraries is not in the way: that of a sweep's cells goes to logs, and that of `prune` comes before.
    for line in lines if is_sweep else lines[-1:] * bool(process.returncode):
        if not line.startswith(("lm-eval-illusion: ", "failed: ")) or len(line) > LONGEST_LINE:
            disaster.problems.append(f"no message of ours: {line[:LONGEST_LINE]}")
    return process.returncode


def check(folders: Folders, before: dict[Path, Any], disaster: Disaster) -> None:
    """Check that everything is whole or absent, and that what was finished before is unchanged."""
    disaster.problems += faults(folders.store, folders.out)
    disaster.problems += [f"lost or changed: {path}" for path, state in before.items() if not _is_same(path, state)]


def _is_same(path: Path, state: Any) -> bool:
    return path.is_file() and state_of(path) == state


def check_resumed(folders: Folders, undisturbed: Undisturbed, before: dict[Path, Any], disaster: Disaster) -> None:
    """Run the sweep again and compare its report with the undisturbed one."""
    finish(start(sweep(folders), folders), disaster, (0,))
    check(folders, before, disaster)
    disaster.problems += leftovers(folders.store, folders.out, folders.temporary)
    if not disaster.problems and report_of(folders.out) != undisturbed.report:
        disaster.problems.append("another report")


def check_exported(folders: Folders, undisturbed: Undisturbed, disaster: Disaster) -> None:
    """Run the export again, unless it was complete, and compare its files with the undisturbed ones."""
    if not folders.exported.exists():
        finish(start(prune(folders, undisturbed.model), folders), disaster, (0,), is_sweep=False)
    if contents(folders.exported) != undisturbed.exported:
        disaster.problems.append("another checkpoint")


def contents(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a checkpoint's folder, without its manifest, which holds times."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"]
    return {path.relative_to(folder).as_posix(): state_of(path).sha256 for path in files}


@contextmanager
def copy_of(undisturbed: Undisturbed) -> Iterator[Folders]:
    """Yield the folders of a sweep that has finished some cells."""
    with tempfile.TemporaryDirectory(prefix="disaster-", ignore_cleanup_errors=True) as name:
        folders = Folders(Path(name))
        shutil.copytree(undisturbed.folder, folders.root, dirs_exist_ok=True)
        yield folders


def stages_of(folders: Folders, command: str) -> dict[str, Callable[[], object]]:
    """Return the moments at which a command is killed, by name: each is a condition that begins to hold then."""
    store, out = folders.store, folders.out
    entries, cells = len(list(store.glob("[!.]*"))), len(list(out.glob("cells/*")))
    report = {path: path.stat().st_mtime_ns for path in (out / "report").glob("*")}
    of_store = {
        "a checkpoint is begun": lambda: list(store.glob(".work/*-*/")),
        "a checkpoint is written": lambda: list(store.glob(".work/*-*/*.safetensors")),
        "a manifest is written": lambda: list(store.glob(".work/*-*/manifest.json")),
        "a checkpoint is placed": lambda: len(list(store.glob("[!.]*"))) > entries,
    }
    if command == "prune":
        return {**of_store, "the export is written": lambda: list(folders.root.glob(".unfinished-*/folder/*"))}
    return {
        **of_store,
        "a cell writes its log": lambda: len(list(out.glob("logs/*"))) > cells,
        "results are written": lambda: list(out.glob(".unfinished/*/*/results_*")),
        "a cell is recorded": lambda: list(out.glob(".unfinished/*/completed.json")),
        "a cell is placed": lambda: len(list(out.glob("cells/*"))) > cells,
        "the report is written": lambda: any(
            path.stat().st_mtime_ns != report.get(path) for path in (out / "report").glob("*")
        ),
    }


def wait_for_moment(
    process: RunningCommand, folders: Folders, command: str, undisturbed: Undisturbed, rng: random.Random
) -> str:
    """Wait for a random moment, or for a stage of the command; return its description."""
    if rng.random() < 0.5:
        seconds = rng.uniform(0, undisturbed.seconds[command])
        end = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.001)
        return f"after {seconds:.2f} s"
    name, is_reached = rng.choice(list(stages_of(folders, command).items()))
    end = time.monotonic() + MOST_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError):  # renamed between two looks
            if is_reached():
                break
    time.sleep(rng.choice([0, 0, rng.uniform(0, 0.02)]))
    return f"when {name}"


def kill(process: RunningCommand, rng: random.Random) -> str:
    """Kill a command's whole process group, or one of its processes; return which."""
    with suppress(psutil.NoSuchProcess, ProcessLookupError):
        parts = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        target = rng.choice(["group", *range(len(parts))])
        if target == "group":
            os.killpg(process.pid, signal.SIGKILL)
            return "all processes"
        parts[target].kill()
        return "the command" if target == 0 else "its worker"
    return TOO_LATE


def killed(undisturbed: Undisturbed, rng: random.Random, command: str, twice: bool) -> Disaster:
    """Kill a command once; with `twice`, another process works on the same store meanwhile and must not be disturbed."""
    with copy_of(undisturbed) as folders:
        before = finished_files(folders.store, folders.out)
        disaster = Disaster("kill -9", f"{command}{', beside another' if twice else ''}: ")
        second = start(sweep(folders, folders.other), folders) if twice else None
        arguments = sweep(folders) if command == "sweep" else prune(folders, undisturbed.model)
        process = start(arguments, folders)
        moment = wait_for_moment(process, folders, command, undisturbed, rng)
        target = kill(process, rng)
        disaster.what += f"{target} {moment}"
        if target in ("its worker", TOO_LATE):
            finish(process, disaster, is_sweep=command == "sweep")  # the command itself goes on
        else:
            process.communicate()
            disaster.codes.append(process.returncode)
        check(folders, before, disaster)
        if second is not None:
            finish(second, disaster, (0,))
            if not disaster.problems and report_of(folders.other) != undisturbed.report:
                disaster.problems.append("another report of the other sweep")
        if command == "prune":
            check_exported(folders, undisturbed, disaster)
        check_resumed(folders, undisturbed, {**before, **finished_files(folders.store, folders.out)}, disaster)
        return disaster


def _hits(undisturbed: Undisturbed, seed: str, command: str, twice: bool) -> Iterator[Disaster]:
    """Yield the disasters in which the command was still running when it was to be killed."""
    for attempt in itertools.count():
        disaster = killed(undisturbed, random.Random(f"{seed} {attempt}"), command, twice)
        if TOO_LATE not in disaster.what or disaster.problems:
            yield disaster


FULL = ("store", "out", "tmp", "home", "out/report", "store", "out", "out", "store", "tmp")
READ_ONLY = (
    "store",
    "out",
    "out/report",
    "out/logs",
    "out/cells",
    "out/failed",
    "out/.unfinished",
    "home",
    "tmp",
    "store/.work",
)


def full(undisturbed: Undisturbed, rng: random.Random, part: str) -> Disaster:
    """Let the disk of a part be full before the sweep has ended."""
    with copy_of(undisturbed) as folders:
        folder = folders.root / part
        kept = folders.root / "kept"
        shutil.copytree(folder, kept)
        make_mount(Mount(folder, "size=64m"))
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        before = finished_files(folders.store, folders.out)
        ballast, pages = folder / ".ballast", rng.choice([0, 1, 2, 5, 10, 20, 40, 80, 160])
        free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize - pages * PAGE
        ballast.write_bytes(b"\0" * max(free, 0))
        return _limited(
            folders, undisturbed, Disaster("full disk", f"{part}, {pages * 4} KiB free"), before, ballast.unlink, folder
        )


def read_only(undisturbed: Undisturbed, _: random.Random, part: str) -> Disaster:
    """Let a part be read-only."""
    with copy_of(undisturbed) as folders:
        folder = folders.root / part
        folder.mkdir(parents=True, exist_ok=True)
        before = finished_files(folders.store, folders.out)
        make_mount(Mount(folder, "bind,ro"))
        return _limited(folders, undisturbed, Disaster("read-only", part), before, lambda: undo_mount(folder), None)


def _limited(
    folders: Folders,
    undisturbed: Undisturbed,
    disaster: Disaster,
    before: dict[Path, Any],
    lift: Callable[[], None],
    mounted: Path | None,
) -> Disaster:
    """Run both commands within the limits, lift these, and let both complete. `mounted`: a mount to remove at the end."""
    try:
        finish(start(sweep(folders), folders), disaster)
        if finish(start(prune(folders, undisturbed.model), folders), disaster, is_sweep=False) == 0:
            check_exported(folders, undisturbed, disaster)
        check(folders, before, disaster)
        lift()
        check_exported(folders, undisturbed, disaster)
        check_resumed(folders, undisturbed, {**before, **finished_files(folders.store, folders.out)}, disaster)
    finally:
        if mounted is not None:
            undo_mount(mounted)
    return disaster


def undisturbed_run(folder: Path) -> Undisturbed:
    """Make the sweep that every disaster begins with, and run both commands to their ends on a copy."""
    earlier = Folders(folder / "earlier")
    for path in (earlier.temporary, earlier.root / "home" / ".cache", earlier.out):
        path.mkdir(parents=True)
    model = save_tiny("llama", folder / "model")
    for name, sparsity in (("part.yaml", "0.5"), ("whole.yaml", "[0.5, 0.6, 0.7]")):
        (earlier.root / name).write_text(STUDY.format(model=model, sparsity=sparsity))
    begin = Disaster("undisturbed", "")
    finish(start(sweep(earlier, study="part.yaml"), earlier), begin, (0,))
    for name in ("report", "logs", "failed"):
        (earlier.out / name).mkdir(exist_ok=True)
    seconds, state = {}, Undisturbed(earlier.root, model, {}, {}, {})
    with copy_of(state) as folders:
        for name, arguments in (("sweep", sweep(folders)), ("prune", prune(folders, model))):
            started = time.monotonic()
            finish(start(arguments, folders), begin, (0,), is_sweep=name == "sweep")
            seconds[name] = time.monotonic() - started
        begin.problems += faults(folders.store, folders.out) + leftovers(folders.store, folders.out, folders.temporary)
        if begin.problems:
            raise SystemExit(f"undisturbed: {begin.problems}")
        return state._replace(report=report_of(folders.out), exported=contents(folders.exported), seconds=seconds)


def disasters(undisturbed: Undisturbed, kills: int, full_disks: int, read_only_parts: int, seed: int) -> Iterator[Disaster]:
    """Yield the disasters, each with its own random numbers, so that one can be repeated alone."""
    for number in range(kills):
        command, twice = ("prune" if number % 3 == 2 else "sweep"), number % 4 == 3
        yield next(_hits(undisturbed, f"{seed} kill {number}", command, twice))
    for number in range(full_disks):
        yield full(undisturbed, random.Random(f"{seed} full {number}"), FULL[number % len(FULL)])
    for number in range(read_only_parts):
        yield read_only(undisturbed, random.Random(f"{seed} ro {number}"), READ_ONLY[number % len(READ_ONLY)])


def main() -> int:
    """Let the disasters happen, print a table, and return the exit code: 1 if anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kill_and_fill", description=__doc__.splitlines()[0])
    for name, default in {"kills": 40, "full": 10, "read-only": 10, "seed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    if not can_mount():
        parser.error("nothing can be mounted here: run it as root, or where user namespaces are allowed")
    enter_namespace()
    # Before the first process is prepared: with more threads than processors, tiny products take longest.
    os.environ["OMP_NUM_THREADS"] = "1"
    begin, lost, count = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as name:
        undisturbed = undisturbed_run(Path(name))
        print(
            f"undisturbed: sweep {undisturbed.seconds['sweep']:.1f} s, prune {undisturbed.seconds['prune']:.1f} s", flush=True
        )
        happening = disasters(undisturbed, options.kills, options.full, options.read_only, options.seed)
        for count, disaster in enumerate(happening, 1):
            lost += bool(disaster.problems)
            print(f"{count:3} {disaster.kind:10} {disaster.what:60} {disaster.codes}", flush=True)
            for problem in disaster.problems:
                print(f"      LOST OR WRONG: {problem}", flush=True)
    print(f"{count} disasters in {time.monotonic() - begin:.0f} s, {lost} with something lost or wrong")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
