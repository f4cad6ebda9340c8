"""One attempt at a cell, the same on every engine: what it came to, what was said meanwhile, and the error of one that failed."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import one_line
from lm_eval_illusion.evaluation import evaluate
from lm_eval_illusion.steps import Watcher, watched
from lm_eval_illusion.sweep.cells import Cell
from lm_eval_illusion.sweep.completion import complete
from lm_eval_illusion.sweep.study import Study


@dataclass(frozen=True)
class Outcome:
    """`record`: of a cell that is done, else None; `reason`: in one line why it failed; `details`: the traceback."""

    cell: Cell
    record: dict[str, Any] | None
    reason: str = ""
    details: str = ""


def attempt(cell: Cell, study: Study, out: Path, watcher: Watcher) -> Outcome:
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
