"""A reading of stores and of sweeps' folders that shares no code with the package: is each entry and each cell whole, what is left over?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple


class FileState(NamedTuple):
    """A file as it was found: SHA-256, inode and time of change. A file that was written again has another inode."""

    sha256: str
    inode: int
    changed: int


def state_of(path: Path) -> FileState:
    """Return the state of a file."""
    status = path.stat()
    return FileState(hashlib.sha256(path.read_bytes()).hexdigest(), status.st_ino, status.st_mtime_ns)


def finished_folders(store: Path, out: Path) -> Iterator[tuple[Path, str]]:
    """Yield the finished entries of a store and cells of a sweep, each with the name of the file that lists its files."""
    for parent, record in ((store, "manifest.json"), (out / "cells", "completed.json")):
        if parent.is_dir():
            yield from ((folder, record) for folder in sorted(parent.glob("[!.]*")))


def faults(store: Path, out: Path) -> list[str]:
    """Return what is wrong with finished entries and cells: each must hold exactly the files that it lists, with their hashes."""
    return [f"{folder.name}: {fault}" for folder, record in finished_folders(store, out) if (fault := _fault(folder, record))]


def finished_files(store: Path, out: Path) -> dict[Path, FileState]:
    """Return the state of every file of finished entries and cells."""
    folders = [folder for folder, _ in finished_folders(store, out)]
    return {path: state_of(path) for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()}


def leftovers(store: Path, out: Path, temporary: Path) -> list[str]:
    """Return the unfinished folders and files of ours that are still there."""
    found = [
        *(path for path in (store / ".work").glob("*") if path.is_dir()),
        *(out / ".unfinished").glob("*"),
        *(out / "cells").glob(".*"),
        *out.parent.glob(".unfinished-*"),
        *temporary.glob("lm-eval-illusion*"),
    ]
    return [f"left over: {path.name}" for path in found]


def report_of(out: Path) -> dict[str, Any]:
    """Return the sweep's report.json without the names of the runs, which hold the date."""
    report: dict[str, Any] = json.loads((out / "report" / "report.json").read_text(encoding="utf-8"))
    for variant in report["variants"]:
        del variant["runs"]
    return report


def _fault(folder: Path, record: str) -> str:
    if ".corrupt" in folder.name:
        return "was set aside as corrupt"
    try:
        listed = json.loads((folder / record).read_bytes())["files"]
    except (OSError, ValueError, KeyError) as error:
        return f"{record} can't be read ({error})"
    there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file() and path.name != record}
    if not listed or set(listed) != set(there):
        return f"the files {sorted(set(listed) ^ set(there))} are only there or only listed"
    changed = [name for name, path in there.items() if hashlib.sha256(path.read_bytes()).hexdigest() != listed[name]]
    return f"{changed} differ from their hashes" if changed else ""
