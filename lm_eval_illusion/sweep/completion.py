"""When a cell is done: its folder was renamed into place with a record of every file's hash. Whenever killed, it is whole or absent.

OUT/cells/<name>/                an lm_eval run, and completed.json
OUT/failed/<name>.txt            the error of a cell that failed
OUT/logs/<name>.txt              what lm_eval and the libraries said while it ran
OUT/.unfinished/<name>-<n>/      one attempt at a cell; left behind only by a killed process
OUT/.lock                        held by the sweep that runs
OUT/.placing.lock                held while a finished attempt takes its place
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lm_eval_illusion.checkpoints import file_sha256, files_below
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.new_folders import fresh_folder
from lm_eval_illusion.sweep.cells import Cell

RECORD = "completed.json"
UNFINISHED = ".unfinished"


@contextmanager
def one_sweep(out: Path) -> Iterator[None]:
    """Hold the folder for one sweep at a time, and clear what a killed one left.

    Raises:
        UserError: another sweep runs in it, or it can't be written.
    """
    from filelock import FileLock, Timeout

    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = FileLock(out / ".lock")
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UserError(f"{out} is being written by another sweep: wait for it, or give another --out") from error
    except OSError as error:
        raise UserError(f"{out} can't be written ({error.strerror or error}): give another --out") from error
    try:
        shutil.rmtree(out / UNFINISHED, ignore_errors=True)
        yield
    finally:
        lock.release()


def folder_of(cell: Cell, out: Path) -> Path:
    """Where a cell's run lies when it is done."""
    return out / "cells" / cell.name


def record_of(cell: Cell, out: Path) -> dict[str, Any] | None:
    """The record of a cell that is done; None if it isn't, or if a file is no longer the one that was written."""
    folder = folder_of(cell, out)
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        whole = all(file_sha256(folder / name) == digest for name, digest in record["files"].items())
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
    return record if whole else None


def complete(cell: Cell, out: Path, run: Callable[[Path], None]) -> dict[str, Any]:
    """Run a cell into a folder of its own, record what it wrote and rename it into place. Returns the record of what lies there then.

    Several attempts at one cell may run at once, on one machine or on several: where a node was taken for lost, and where a sweep was
    killed and its worker has not noticed yet. The first that is done stays.
    """
    unfinished = fresh_folder(out / UNFINISHED, cell.name)
    begin = time.perf_counter()
    try:
        run(unfinished)
        files = {name: file_sha256(path) for name, path in files_below(unfinished).items()}
        record = {"cell": cell.name, **cell.asked, "seconds": round(time.perf_counter() - begin, 1), "files": files}
        (unfinished / RECORD).write_text(json.dumps(record, indent=2, ensure_ascii=False), encoding="utf-8")
        return _place(cell, unfinished, record, out)
    finally:
        # Of a failed attempt at once: it may be what fills the disk.
        shutil.rmtree(unfinished, ignore_errors=True)


def _place(cell: Cell, unfinished: Path, record: dict[str, Any], out: Path) -> dict[str, Any]:
    from filelock import FileLock

    folder = folder_of(cell, out)
    with FileLock(out / ".placing.lock"):
        first = record_of(cell, out)
        if first is None:
            # One that is there did not verify.
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(exist_ok=True)
            unfinished.rename(folder)
    return first or record
