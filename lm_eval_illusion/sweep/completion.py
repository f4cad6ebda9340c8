"""When a cell is done: its folder was renamed into place with a record of every file's hash. Whenever killed, it is whole or absent.

OUT/cells/<name>/                an lm_eval run, and completed.json
OUT/failed/<name>.txt            the error of a cell that failed
OUT/.unfinished/<name>/          a cell in the making; left behind only by a killed process
OUT/.lock                        held by the sweep that runs
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lm_eval_illusion.checkpoints import file_sha256
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.sweep.cells import Cell

RECORD = "completed.json"


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
        shutil.rmtree(out / ".unfinished", ignore_errors=True)
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
    """Run a cell into a folder of its own, record what it wrote and rename it into place. Returns the record."""
    unfinished, folder = out / ".unfinished" / cell.name, folder_of(cell, out)
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    begin = time.perf_counter()
    run(unfinished)
    files = {
        path.relative_to(unfinished).as_posix(): file_sha256(path) for path in sorted(unfinished.rglob("*")) if path.is_file()
    }
    record = {"cell": cell.name, **cell.asked, "seconds": round(time.perf_counter() - begin, 1), "files": files}
    (unfinished / RECORD).write_text(json.dumps(record, indent=2, ensure_ascii=False), encoding="utf-8")
    # One that is there did not verify.
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(exist_ok=True)
    unfinished.rename(folder)
    return record
