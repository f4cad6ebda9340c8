"""How a sweep is shown: a bar with what runs now on a terminal, a line a cell elsewhere, or a JSON object a line.

What a cell is at, told by its worker to the sweep that shows it: one small file in the folder that both see.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from lm_eval_illusion.progress import ProgressEvent, ProgressListener
from lm_eval_illusion.sweep.cell_run import UNFINISHED
from lm_eval_illusion.sweep.grid import Cell

SECONDS = 1.0
"""How often a file is written at most: it may lie on a network folder."""


@contextmanager
def step_file(cell: Cell, out: Path) -> Iterator[ProgressListener]:
    """A watcher that writes the steps of a cell; the file goes with the block."""
    path, written, doing = _path(cell, out), 0.0, ""

    def watch(step: ProgressEvent) -> None:
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


def read_steps(cells: Iterable[Cell], out: Path) -> dict[str, ProgressEvent]:
    """The step of each of these cells that runs, by its name."""
    steps = {}
    for cell in cells:
        # None before a worker takes it, and half a line while it writes.
        with contextlib.suppress(OSError, ValueError, TypeError):
            doing, views, done, total = json.loads(_path(cell, out).read_text(encoding="utf-8"))
            steps[cell.name] = ProgressEvent(doing, tuple(views), done, total)
    return steps


def _path(cell: Cell, out: Path) -> Path:
    return out / UNFINISHED / f"{cell.name}.step"


class CellFinished(NamedTuple):
    """A cell ended, now or before: its number in the grid, its name, how, and how many seconds it took, if it is done.

    `left`: about how many seconds the cells that are still to run may take; None if no cell is done yet to judge by.
    """

    number: int
    of: int
    cell: str
    state: str
    seconds: float | None
    left: float | None


class ProgressDisplay(NamedTuple):
    """`ended` shows a cell that ended; `at` shows the step of each cell that runs, by its name."""

    ended: Callable[[CellFinished], None]
    at: Callable[[Mapping[str, ProgressEvent]], None]


@contextmanager
def shown(cells: int, *, as_json: bool, console: Any = None) -> Iterator[ProgressDisplay]:
    """How to show a sweep of so many cells. `console`: rich's, standard output if not given."""
    from rich.console import Console

    # This very stream: an engine may turn what others print elsewhere.
    console = console or Console(file=sys.stdout)
    if as_json:
        yield ProgressDisplay(lambda ended: print(_as_json(ended), file=console.file, flush=True), lambda _: None)
    elif console.is_terminal:
        with _bar(cells, console) as show:
            yield show
    else:
        yield ProgressDisplay(
            lambda ended: print(_line(ended) + _left(ended, ", "), file=console.file, flush=True), lambda _: None
        )


def seconds_left(to_run: int, done: int, elapsed: float, before: Sequence[float]) -> float | None:
    """About how long `to_run` cells take: as this sweep's `done` cells did in `elapsed` seconds, else one by one as those `before`."""
    if done:
        return elapsed / done * to_run
    return sum(before) / len(before) * to_run if before else None


def spoken(seconds: float | None) -> str:
    """'about 40 s', 'about 7 min', 'about 3.5 h'; '' for None."""
    if seconds is None:
        return ""
    if seconds < 100:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 100 * 60 else f"about {seconds / 3600:.1f} h"


def _line(ended: CellFinished) -> str:
    took = f" ({ended.seconds:.0f} s)" if ended.seconds is not None else ""
    return f"[{ended.number}/{ended.of}] {ended.cell}: {ended.state}{took}"


def _left(ended: CellFinished, before: str = "") -> str:
    return f"{before}{spoken(ended.left)} left" if ended.left else ""


def _as_json(ended: CellFinished) -> str:
    return json.dumps({name: value for name, value in ended._asdict().items() if name != "left"}, ensure_ascii=False)


@contextmanager
def _bar(cells: int, console: Any) -> Iterator[ProgressDisplay]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.table import Column

    now = Column(no_wrap=True, overflow="ellipsis")
    columns = (
        MofNCompleteColumn(),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[left]}", markup=False),
        TextColumn("{task.fields[now]}", markup=False, table_column=now),
    )
    # Standard error is not rich's: a cell's goes to its log.
    with Progress(*columns, console=console, redirect_stdout=False, redirect_stderr=False) as progress:
        bar = progress.add_task("", total=cells, left="", now="")

        def ended(one: CellFinished) -> None:
            progress.console.print(_line(one), markup=False, highlight=False)
            progress.update(bar, advance=1, left=_left(one))

        def at(steps: Mapping[str, ProgressEvent]) -> None:
            progress.update(bar, now="; ".join(f"{cell}: {step}" for cell, step in steps.items()))

        yield ProgressDisplay(ended, at)
