"""One attempt at a cell, the same on every engine: what it came to, what was said meanwhile, and the error of one that failed.

When a cell is done: its folder was renamed into place with a record of every file's hash. Whenever killed, it is whole or absent.

OUT/cells/<name>/                an lm_eval run, and completed.json
OUT/failed/<name>.txt            the error of a cell that failed
OUT/logs/<name>.txt              what lm_eval and the libraries said while it ran
OUT/.unfinished/<name>-<n>/      one attempt at a cell; left behind only by a killed process
OUT/.lock                        held by the sweep that runs
OUT/.placing.lock                held while a finished attempt takes its place
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.evaluation import evaluate
from lm_eval_illusion.files import file_sha256, files_below, fresh_folder
from lm_eval_illusion.progress import ProgressListener, watched
from lm_eval_illusion.sweep.grid import Cell
from lm_eval_illusion.sweep.study import Study

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


@dataclass(frozen=True)
class Outcome:
    """`record`: of a cell that is done, else None; `reason`: in one line why it failed; `details`: the traceback."""

    cell: Cell
    record: dict[str, Any] | None
    reason: str = ""
    details: str = ""


def attempt(cell: Cell, study: Study, out: Path, watcher: ProgressListener) -> Outcome:
    """Run a cell, its steps told to `watcher`. Whatever goes wrong is its outcome: one cell's failure is its own."""
    try:
        with _stderr_into(log_of(cell, out)), watched(watcher):
            record = complete(cell, out, lambda folder: _evaluate(cell, study, folder))
    except (Exception, SystemExit) as error:
        return failure(cell, error)
    return Outcome(cell, record)


def failure(cell: Cell, error: BaseException) -> Outcome:
    """The outcome of a cell that ended with this error."""
    reason = one_line(error)
    return Outcome(cell, None, reason[:200], "".join(traceback.format_exception(error)))


def log_of(cell: Cell, out: Path) -> Path:
    """Where lies what was said while the cell ran."""
    return out / "logs" / f"{cell.name}.txt"


def failure_of(cell: Cell, out: Path) -> Path:
    """Where the error of a cell lies, if it failed."""
    return out / "failed" / f"{cell.name}.txt"


def keep(outcome: Outcome, out: Path) -> None:
    """Write the error of a cell that failed; of one that is done, remove that of an earlier sweep."""
    path = failure_of(outcome.cell, out)
    if outcome.record is not None:
        path.unlink(missing_ok=True)
        return
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(outcome.details, encoding="utf-8")
    except OSError as error:
        # A full disk: what it was is said on the terminal at least.
        said = f"{outcome.cell.name}: {outcome.reason} (and it can't be written: {error.strerror})"
        print(f"lm-eval-illusion: {said}", file=sys.stderr)


def _evaluate(cell: Cell, study: Study, folder: Path) -> None:
    evaluate(cell.model_args, study.tasks, folder, limit=study.limit, batch_size=study.batch_size, metadata=study.metadata)


@contextlib.contextmanager
def _stderr_into(path: Path) -> Iterator[None]:
    """Bars and warnings of libraries go to a file. By descriptor: their handlers hold on to the stream that they met first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = os.dup(2)
    try:
        with path.open("ab") as log:
            sys.stderr.flush()
            os.dup2(log.fileno(), 2)
            yield
    finally:
        with contextlib.suppress(OSError):  # the log's disk is full; what is left unsaid is said below on the old stream
            sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
