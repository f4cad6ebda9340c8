"""One cell: run it, record it, and decide whether it is done. Ray's workers call `run_cell`; the local engine evaluates in a process.

A cell is done when its folder was renamed into place, with a record that holds the hash of every file. A killed sweep therefore leaves
a cell complete or absent. `cell_record` checks the folder before it counts as done.

OUT/cells/<name>/                an lm_eval run, and completed.json
OUT/failed/<name>.txt            traceback of a failed cell
OUT/replaced/<name>-<n>/         a folder of cells/ that was not as the sweep wrote it, so that its cell ran again
OUT/logs/<name>.txt              output of lm_eval and the libraries during the cell
OUT/.unfinished/<name>-<n>/      an unfinished run of a cell; only a killed process leaves one behind
OUT/.lock                        held by the running sweep
OUT/.placing.lock                held while a finished cell is renamed into place
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from lm_eval_illusion.errors import UserError, one_line, system_reason
from lm_eval_illusion.escaping import for_terminal
from lm_eval_illusion.evaluation import evaluate, output_to_file
from lm_eval_illusion.files import file_sha256, files_below, refuse_special, shown, unique_folder
from lm_eval_illusion.progress import ProgressListener, notify
from lm_eval_illusion.sweep.cell_record import REPLACED, CellRecord, cell_folder, read_record, write_record
from lm_eval_illusion.sweep.contents import refuse_changed
from lm_eval_illusion.sweep.grid import Cell
from lm_eval_illusion.sweep.study import Study

UNFINISHED = ".unfinished"
_FOLDERS = ("cells", "failed", "logs", REPLACED, UNFINISHED)
_LONGEST_REASON = 200


@dataclass(frozen=True)
class CellResult:
    """The result of a cell's run. Done: `record` is set. Failed: `record` is None, `reason` is one line, `details` the traceback."""

    cell: Cell
    record: CellRecord | None
    reason: str = ""
    details: str = ""


def failure_file(cell: Cell, out: Path) -> Path:
    """Return the path of a failed cell's traceback."""
    return out / "failed" / f"{cell.name}.txt"


def log_file(cell: Cell, out: Path) -> Path:
    """Return the path of the log that collects the output of the libraries while a cell runs."""
    return out / "logs" / f"{cell.name}.txt"


@contextmanager
def output_to_log(log: Path, *descriptors: int) -> Iterator[None]:
    """Append what the process writes to these file descriptors to the log of a cell, as `output_to_file`.

    Raises:
        OSError: The log can't be written, or is no regular file: in a shared folder it may lead to any other file.
    """
    refuse_special(log)
    with output_to_file(log, *descriptors):
        yield


@contextmanager
def sweep_lock(out: Path) -> Iterator[None]:
    """Create the output folder, lock it for one sweep within the `with` statement, and delete unfinished runs of a killed sweep.

    Raises:
        UserError: Another sweep holds the lock, the folder can't be written, or one of its folders is a link or a file.
    """
    from filelock import FileLock, Timeout

    try:
        out.mkdir(parents=True, exist_ok=True)
        refuse_foreign_folders(out)
        lock = FileLock(out / ".lock")
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UserError(f"{shown(out)} is being written by another sweep: wait for it, or give another --out") from error
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL character
        if isinstance(error, UserError):
            raise
        raise UserError(f"{shown(out)} can't be written ({system_reason(error)}): give another --out") from error
    try:
        shutil.rmtree(out / UNFINISHED, ignore_errors=True)
        for tried in (out / "cells").glob(".*"):
            with suppress(OSError):  # it is not the empty folder that `_try_placing` leaves behind when it is killed
                tried.rmdir()
        yield
    finally:
        lock.release()


def refuse_foreign_folders(out: Path) -> None:
    """Refuse a sweep's folder in which one of ours is a link: what is written there would go to a place that nobody named.

    Raises:
        UserError: One is a link or a file.
    """
    for folder in (out / name for name in _FOLDERS):
        if os.path.lexists(folder) and not stat.S_ISDIR(os.lstat(folder).st_mode):
            raise UserError(
                f"{shown(folder)} is a link or a file, not a folder: move the folder that it leads to into its place, or give another --out"
            )


def run_cell(cell: Cell, study: Study, out: Path, listener: ProgressListener) -> CellResult:
    """Run a cell and return its result. `listener` gets progress events.

    Any error becomes part of the result, so that the sweep continues with other cells.
    """
    try:
        with output_to_log(log_file(cell, out), 2), notify(listener):
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
        apply_chat_template=study.apply_chat_template,
    )
    refuse_changed(cell)


def failed_result(cell: Cell, error: BaseException) -> CellResult:
    """Return the result of a cell that ended with `error`. Its message may come from the model's files: one line, safe for a terminal."""
    reason = for_terminal(one_line(error, _LONGEST_REASON))
    return CellResult(cell, None, reason, "".join(traceback.format_exception(error)))


def complete(cell: Cell, out: Path, run: Callable[[Path], None]) -> CellRecord:
    """Call `run` with a new folder, record the files that it wrote, rename the folder into place, and return the record found there.

    The same cell may run several times at once, on one or several machines: after a node was considered lost, or while the worker of a
    killed sweep is still running. The result of the run that finishes first is used.

    Raises:
        OSError: A folder can't be written.
        Exception: Whatever `run` raises.
    """
    if os.path.lexists(cell_folder(cell, out)):
        # Before hours of work: a folder that can't be moved could not be replaced at the end, either.
        with _placing_lock(out):
            existing = _make_room(cell, out)
        if existing is not None:
            return existing
    unfinished = unique_folder(out / UNFINISHED, cell.name)
    begin = time.perf_counter()
    try:
        _try_placing(unfinished, out)
        run(unfinished)
        files = {name: file_sha256(path) for name, path in files_below(unfinished).items()}
        record = CellRecord(cell.name, **asdict(cell.request), seconds=round(time.perf_counter() - begin, 1), files=files)
        write_record(record, unfinished)
        return _move_to_output(cell, unfinished, record, out)
    finally:
        # A failed run is deleted at once: it may be what fills the disk.
        shutil.rmtree(unfinished, ignore_errors=True)


def _try_placing(unfinished: Path, out: Path) -> None:
    """Raise OSError before hours of work if a folder can't be renamed into `cells/`: read-only, or on another disk."""
    placed = out / "cells" / f".{unfinished.name}"
    placed.parent.mkdir(exist_ok=True)
    unfinished.rename(placed)
    placed.rename(unfinished)


def _move_to_output(cell: Cell, unfinished: Path, record: CellRecord, out: Path) -> CellRecord:
    """Move the folder of a finished cell to `out`, unless there is a valid one; return the record of the one that is there."""
    folder = cell_folder(cell, out)
    with _placing_lock(out):
        existing = _make_room(cell, out)
        if existing is None:
            unfinished.rename(folder)
    return existing or record


@contextmanager
def _placing_lock(out: Path) -> Iterator[None]:
    """Let one process at a time, of all that run cells of the sweep, change what is in `cells/`."""
    from filelock import FileLock

    with FileLock(out / ".placing.lock"):
        yield


def _make_room(cell: Cell, out: Path) -> CellRecord | None:
    """Return the record of a cell that is done. Otherwise move away what is in the place of its folder: it may be somebody's only copy."""
    existing, folder = read_record(cell, out), cell_folder(cell, out)
    if existing is None and os.path.lexists(folder):
        parent, number = out / REPLACED, 1
        parent.mkdir(exist_ok=True)
        while os.path.lexists(aside := parent / f"{cell.name}-{number}"):
            number += 1
        folder.rename(aside)
    return existing


def record_failure(result: CellResult, out: Path) -> None:
    """Write the traceback of a failed cell, and delete that of an earlier run of the cell, also of one with other inputs.

    If that is impossible, because the disk is full or read-only, the reason is at least shown on standard error.
    """
    path = failure_file(result.cell, out)
    try:
        for earlier in path.parent.glob(f"{result.cell.slot}*.txt"):
            earlier.unlink(missing_ok=True)
        if result.record is not None:
            return
        path.parent.mkdir(exist_ok=True)
        # "x": a link that another process put there meanwhile is not followed.
        with path.open("x", encoding="utf-8", errors="backslashreplace") as file:
            file.write(result.details)
    except OSError as error:
        end_state = result.reason or "done"
        message = for_terminal(f"{result.cell.name}: {end_state} (and {path} can't be written: {system_reason(error)})")
        print(f"lm-eval-illusion: {message}", file=sys.stderr)
