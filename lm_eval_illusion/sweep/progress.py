"""How a sweep is shown: a bar with what runs now on a terminal, a line a cell elsewhere, or a JSON object a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from lm_eval_illusion.steps import Step


class Ended(NamedTuple):
    """A cell ended, now or before: its number in the grid, its name, how, and how many seconds it took, if it is done.

    `left`: about how many seconds the cells that are still to run may take; None if no cell is done yet to judge by.
    """

    number: int
    of: int
    cell: str
    state: str
    seconds: float | None
    left: float | None


class Show(NamedTuple):
    """`ended` shows a cell that ended; `at` shows the step of each cell that runs, by its name."""

    ended: Callable[[Ended], None]
    at: Callable[[Mapping[str, Step]], None]


@contextmanager
def shown(cells: int, *, as_json: bool, console: Any = None) -> Iterator[Show]:
    """How to show a sweep of so many cells. `console`: rich's, standard output if not given."""
    from rich.console import Console

    # This very stream: an engine may turn what others print elsewhere.
    console = console or Console(file=sys.stdout)
    if as_json:
        yield Show(lambda ended: print(_as_json(ended), file=console.file, flush=True), lambda _: None)
    elif console.is_terminal:
        with _bar(cells, console) as show:
            yield show
    else:
        yield Show(lambda ended: print(_line(ended) + _left(ended, ", "), file=console.file, flush=True), lambda _: None)


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


def _line(ended: Ended) -> str:
    took = f" ({ended.seconds:.0f} s)" if ended.seconds is not None else ""
    return f"[{ended.number}/{ended.of}] {ended.cell}: {ended.state}{took}"


def _left(ended: Ended, before: str = "") -> str:
    return f"{before}{spoken(ended.left)} left" if ended.left else ""


def _as_json(ended: Ended) -> str:
    return json.dumps({name: value for name, value in ended._asdict().items() if name != "left"}, ensure_ascii=False)


@contextmanager
def _bar(cells: int, console: Any) -> Iterator[Show]:
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

        def ended(one: Ended) -> None:
            progress.console.print(_line(one), markup=False, highlight=False)
            progress.update(bar, advance=1, left=_left(one))

        def at(steps: Mapping[str, Step]) -> None:
            progress.update(bar, now="; ".join(f"{cell}: {step}" for cell, step in steps.items()))

        yield Show(ended, at)
