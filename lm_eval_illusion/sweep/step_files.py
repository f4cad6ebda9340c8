"""What a cell is at, told by its worker to the sweep that shows it: one small file in the folder that both see."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lm_eval_illusion.steps import Step, Watcher
from lm_eval_illusion.sweep.cells import Cell
from lm_eval_illusion.sweep.completion import UNFINISHED

SECONDS = 1.0
"""How often a file is written at most: it may lie on a network folder."""


@contextmanager
def step_file(cell: Cell, out: Path) -> Iterator[Watcher]:
    """A watcher that writes the steps of a cell; the file goes with the block."""
    path, written, doing = _path(cell, out), 0.0, ""

    def watch(step: Step) -> None:
        nonlocal written, doing
        if step.doing == doing and time.monotonic() < written + SECONDS:
            return
        written, doing = time.monotonic(), step.doing
        # Only to be looked at: a full disk is for the cell itself to find.
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(step), encoding="utf-8")

    try:
        yield watch
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def read_steps(cells: Iterable[Cell], out: Path) -> dict[str, Step]:
    """The step of each of these cells that runs, by its name."""
    steps = {}
    for cell in cells:
        # None before a worker takes it, and half a line while it writes.
        with contextlib.suppress(OSError, ValueError, TypeError):
            doing, views, done, total = json.loads(_path(cell, out).read_text(encoding="utf-8"))
            steps[cell.name] = Step(doing, tuple(views), done, total)
    return steps


def _path(cell: Cell, out: Path) -> Path:
    return out / UNFINISHED / f"{cell.name}.step"
