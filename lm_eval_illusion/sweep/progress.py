"""Progress of a sweep: what its command prints, and the files by which the workers of an engine report their current step."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec

from lm_eval_illusion.errors import UserError, attributed
from lm_eval_illusion.escaping import for_json
from lm_eval_illusion.files import replace_text
from lm_eval_illusion.progress import (
    ProgressDisplay,
    ProgressEvent,
    ProgressListener,
    RunFinished,
    duration_in_words,
    progress_display,
    seconds_left,
)
from lm_eval_illusion.reading import read_json
from lm_eval_illusion.sweep.cell_run import UNFINISHED
from lm_eval_illusion.sweep.grid import Cell

__all__ = [
    "ProgressDisplay",
    "RunFinished",
    "duration_in_words",
    "read_steps",
    "seconds_left",
    "showing_warnings",
    "step_file",
    "sweep_display",
]

WRITE_INTERVAL = 1.0
"""Smallest number of seconds between two writes of a step file, because the file may be in a network folder."""

MOST_STEP_BYTES = 1 << 16
"""A larger step file is not read."""
_Name = Annotated[str, msgspec.Meta(max_length=200)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
_Sentence = Annotated[str, msgspec.Meta(max_length=2_000)]
_Step = tuple[_Name, tuple[_Name, ...], _Count, _Count, _Sentence]


@contextmanager
def sweep_display(cells: int, *, as_json: bool, console: Any = None) -> Iterator[ProgressDisplay]:
    """Show a sweep of `cells` cells: one JSON object per finished cell, or as `progress_display`.

    `console` is rich's; the default writes to standard output.
    """
    if as_json:
        file = sys.stdout if console is None else console.file
        yield ProgressDisplay(lambda cell: print(_as_json(cell), file=file, flush=True), lambda _: None)
    else:
        with progress_display(cells, console) as display:
            yield display


def _as_json(cell: RunFinished) -> str:
    fields = {"number": cell.number, "of": cell.total, "cell": cell.name, "state": cell.state, "seconds": cell.seconds}
    return for_json(json.dumps(fields, ensure_ascii=False))


@contextmanager
def step_file(cell: Cell, out: Path) -> Iterator[ProgressListener]:
    """Yield a listener that writes the events of a cell to its step file; the file is removed at the end of the `with` statement."""
    path, written, doing, warning = _path(cell, out), 0.0, "", ""

    def write(event: ProgressEvent) -> None:
        nonlocal written, doing, warning
        if event.doing == doing and not event.warning and time.monotonic() < written + WRITE_INTERVAL:
            return
        # The file holds one event, and the reader may miss any: a warning stays in all that follow.
        warning = event.warning or warning
        written, doing, event = time.monotonic(), event.doing, event._replace(warning=warning)
        # The file is only for display. If the disk is full, the cell itself fails and reports it.
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_text(path, json.dumps(event))

    try:
        yield write
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def read_steps(cells: Iterable[Cell], out: Path) -> dict[str, ProgressEvent]:
    """Return the current event of each of these cells that runs, by the name of the cell.

    A file that is no step of a worker is ignored: anybody who shares the folder may have written it, and it is only for display.
    """
    events = {}
    for cell in cells:
        # There is no file before a worker starts the cell.
        with contextlib.suppress(UserError):
            events[cell.name] = _read_step(_path(cell, out))
    return events


def _read_step(path: Path) -> ProgressEvent:
    content = read_json(path, "it is only for display", MOST_STEP_BYTES)
    with attributed(f"{path} is no step", "it is only for display"):
        return ProgressEvent(*msgspec.convert(content, _Step))


def showing_warnings(show: ProgressDisplay) -> ProgressDisplay:
    """Return a display that also shows the warnings in the events of the cells, each once: the cells of a base model have the same."""
    shown: set[str] = set()

    def at(events: Mapping[str, ProgressEvent]) -> None:
        for warning in (event.warning for event in events.values() if event.warning):
            if warning not in shown:
                shown.add(warning)
                show.warn(warning)
        show.at(events)

    return show._replace(at=at)


def _path(cell: Cell, out: Path) -> Path:
    return out / UNFINISHED / f"{cell.name}.step"
