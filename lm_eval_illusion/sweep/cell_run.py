"""One cell: run it, record it, and decide whether it is done. Ray's workers call `run_cell`; the local engine evaluates in a process.

A cell is done when its folder was renamed into place, with a record that holds the hash of every file. A killed sweep therefore leaves
a cell complete or absent.

OUT/cells/<name>/                an lm_eval run, and completed.json
OUT/failed/<name>.txt            traceback of a failed cell
OUT/logs/<name>.txt              output of lm_eval and the libraries during the cell
OUT/.unfinished/<name>-<n>/      an unfinished run of a cell; only a killed process leaves one behind
OUT/.lock                        held by the running sweep
OUT/.placing.lock                held while a finished cell is renamed into place
"""

from __future__ import annotations

import json
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.evaluation import evaluate, output_to_file
from lm_eval_illusion.files import file_sha256, files_below, unique_folder
from lm_eval_illusion.progress import ProgressListener, notify
from lm_eval_illusion.sweep.contents import refuse_changed
from lm_eval_illusion.sweep.grid import Cell
from lm_eval_illusion.sweep.study import Study

RECORD = "completed.json"
UNFINISHED = ".unfinished"


class CellRecord(msgspec.Struct, frozen=True):
    """The content of completed.json: the request of a finished cell, its duration, and the SHA-256 of each file by relative path.

    `inputs` is None in the record of an earlier version, which did not hash the inputs.
    """

    cell: str
    model_args: dict[str, Any]
    tasks: list[str]
    limit: int | None
    metadata: dict[str, Any]
    seconds: float
    files: dict[str, str]
    inputs: dict[str, str] | None = None


@dataclass(frozen=True)
class CellResult:
    """The result of a cell's run. Done: `record` is set. Failed: `record` is None, `reason` is one line, `details` the traceback."""

    cell: Cell
    record: CellRecord | None
    reason: str = ""
    details: str = ""


def cell_folder(cell: Cell, out: Path) -> Path:
    """Return the folder of a finished cell's run."""
    return out / "cells" / cell.name


def failure_file(cell: Cell, out: Path) -> Path:
    """Return the path of a failed cell's traceback."""
    return out / "failed" / f"{cell.name}.txt"


def log_file(cell: Cell, out: Path) -> Path:
    """Return the path of the log that collects the output of the libraries while a cell runs."""
    return out / "logs" / f"{cell.name}.txt"


@contextmanager
def sweep_lock(out: Path) -> Iterator[None]:
    """Create the output folder, lock it for one sweep within the `with` statement, and delete unfinished runs of a killed sweep.

    Raises:
        UserError: Another sweep holds the lock, or the folder can't be written.
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


def read_record(cell: Cell, out: Path) -> CellRecord | None:
    """Return the record of a finished cell; None if it is not done with these inputs, or a file differs from the one that was written."""
    folder = cell_folder(cell, out)
    try:
        record = msgspec.json.decode((folder / RECORD).read_bytes(), type=CellRecord)
        is_unchanged = all(file_sha256(folder / name) == digest for name, digest in record.files.items())
    except (OSError, msgspec.DecodeError):
        return None
    return record if is_unchanged and record.inputs == cell.request.inputs else None


def earlier_record(cell: Cell, out: Path) -> CellRecord | None:
    """Return the newest record of a cell with the same arguments and other inputs; None if there is none."""
    folder, found = cell_folder(cell, out), []
    for path in folder.parent.glob(f"{cell.slot}*/{RECORD}"):
        with suppress(OSError, msgspec.DecodeError):
            record = msgspec.json.decode(path.read_bytes(), type=CellRecord)
            if record.inputs != cell.request.inputs:
                found.append((path.stat().st_mtime_ns, record))
    return max(found, key=lambda entry: entry[0], default=(0, None))[1]


def run_cell(cell: Cell, study: Study, out: Path, listener: ProgressListener) -> CellResult:
    """Run a cell and return its result. `listener` gets progress events.

    Any error becomes part of the result, so that the sweep continues with other cells.
    """
    try:
        with output_to_file(log_file(cell, out), 2), notify(listener):
            record = complete(cell, out, lambda folder: evaluate_cell(cell, study, folder))
    except (Exception, SystemExit) as error:
        return failed_result(cell, error)
    return CellResult(cell, record)


def evaluate_cell(cell: Cell, study: Study, folder: Path) -> None:
    """Run lm_eval on a cell and write its files below `folder`.

    Raises:
        UserError: An argument is wrong, the files could not be written, or an input changed since the sweep began.
    """
    evaluate(
        cell.request.model_args,
        study.tasks,
        folder,
        limit=study.limit,
        batch_size=study.batch_size,
        metadata=study.metadata,
    )
    refuse_changed(cell)


def failed_result(cell: Cell, error: BaseException) -> CellResult:
    """Return the result of a cell that ended with `error`."""
    reason = one_line(error)
    return CellResult(cell, None, reason[:200], "".join(traceback.format_exception(error)))


def complete(cell: Cell, out: Path, run: Callable[[Path], None]) -> CellRecord:
    """Call `run` with a new folder, record the files that it wrote, rename the folder into place, and return the record found there.

    The same cell may run several times at once, on one or several machines: after a node was considered lost, or while the worker of a
    killed sweep is still running. The result of the run that finishes first is used.
    """
    unfinished = unique_folder(out / UNFINISHED, cell.name)
    begin = time.perf_counter()
    try:
        run(unfinished)
        files = {name: file_sha256(path) for name, path in files_below(unfinished).items()}
        record = CellRecord(cell.name, **asdict(cell.request), seconds=round(time.perf_counter() - begin, 1), files=files)
        text = json.dumps(msgspec.to_builtins(record), indent=2, ensure_ascii=False)
        (unfinished / RECORD).write_text(text, encoding="utf-8")
        return _move_to_output(cell, unfinished, record, out)
    finally:
        # A failed run is deleted at once: it may be what fills the disk.
        shutil.rmtree(unfinished, ignore_errors=True)


def _move_to_output(cell: Cell, unfinished: Path, record: CellRecord, out: Path) -> CellRecord:
    """Move the folder of a finished cell to `out`, unless there is a valid one; return the record of the one that is there."""
    from filelock import FileLock

    folder = cell_folder(cell, out)
    with FileLock(out / ".placing.lock"):
        existing = read_record(cell, out)
        if existing is None:
            # A folder that is there failed verification.
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(exist_ok=True)
            unfinished.rename(folder)
    return existing or record


def record_failure(result: CellResult, out: Path) -> None:
    """Write the traceback of a failed cell, and delete that of an earlier run of the cell, also of one with other inputs."""
    path = failure_file(result.cell, out)
    for earlier in path.parent.glob(f"{result.cell.slot}*.txt"):
        earlier.unlink(missing_ok=True)
    if result.record is not None:
        return
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(result.details, encoding="utf-8")
    except OSError as error:
        # The disk is full: show the reason on the terminal at least.
        message = f"{result.cell.name}: {result.reason} (and it can't be written: {error.strerror})"
        print(f"lm-eval-illusion: {message}", file=sys.stderr)
