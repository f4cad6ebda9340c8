"""`lm-eval-illusion sweep`: the cells that are not done, on the engine that was asked for, then the report of all that are."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.progress import ProgressEvent
from lm_eval_illusion.sweep.cell_run import Outcome, attempt, failure_of, folder_of, keep, one_sweep, record_of
from lm_eval_illusion.sweep.grid import Cell, cells_of
from lm_eval_illusion.sweep.progress import CellFinished, ProgressDisplay, seconds_left, shown, spoken
from lm_eval_illusion.sweep.ray_resources import CellResources
from lm_eval_illusion.sweep.study import Study

EXIT_FAILED_CELLS = 1
"""The exit code where some cell failed, or the report."""


@dataclass(frozen=True)
class SweepOptions:
    """`retry_failed`: run cells again that failed before. `log_json`: a JSON object a line in place of text.

    `ray`: run the cells on Ray with these needs each; None runs one after the other in this process.
    """

    dry_run: bool = False
    retry_failed: bool = False
    log_json: bool = False
    ray: CellResources | None = None


def sweep_command(study: Study, out: Path, options: SweepOptions) -> int:
    """Run what is missing and report. Returns the exit code: 0, or 1 where a cell failed.

    Raises:
        UserError: a cell's arguments are wrong, the folder is in use or can't be written, there is no such Ray cluster.
    """
    cells = cells_of(study)
    if options.dry_run:
        _print_plan(cells, out)
        return 0
    with one_sweep(out):
        with shown(len(cells), as_json=options.log_json) as show:
            failed = _run_missing(cells, study, out, options, show)
        done = [cell for cell in cells if cell not in failed]
        is_reported = not done or _is_reported([folder_of(cell, out) for cell in done], out / "report")
    for cell in failed:
        print(f"failed: {cell.name}, see {failure_of(cell, out)}; --retry-failed runs it again", file=sys.stderr)
    return EXIT_FAILED_CELLS if failed or not is_reported else 0


def _run_missing(cells: Sequence[Cell], study: Study, out: Path, options: SweepOptions, show: ProgressDisplay) -> list[Cell]:
    """Run the cells that are neither done nor given up. Returns those that failed, now or before."""
    missing, failed, seconds_before = _look(cells, out, options, show)
    begin, done = time.perf_counter(), 0
    for count, outcome in enumerate(_outcomes(missing, study, out, options, show.at), 1):
        keep(outcome, out)
        done += outcome.record is not None
        left = seconds_left(len(missing) - count, done, time.perf_counter() - begin, seconds_before)
        state = "done" if outcome.record else f"failed: {outcome.reason}"
        show.ended(_ended(outcome.cell, cells, state, outcome.record, left))
        failed += [] if outcome.record else [outcome.cell]
    return [cell for cell in cells if cell in failed]


def _look(
    cells: Sequence[Cell], out: Path, options: SweepOptions, show: ProgressDisplay
) -> tuple[list[Cell], list[Cell], list[float]]:
    """The cells that are to run, those that failed before and are not to, and how many seconds each of the others took."""
    missing, failed, seconds = [], [], []
    for cell in cells:
        record = record_of(cell, out)
        if record is not None:
            seconds.append(float(record["seconds"]))
            show.ended(_ended(cell, cells, "done before", record))
        elif failure_of(cell, out).exists() and not options.retry_failed:
            failed.append(cell)
            show.ended(_ended(cell, cells, "failed before"))
        else:
            missing.append(cell)
    return missing, failed, seconds


def _ended(
    cell: Cell, cells: Sequence[Cell], state: str, record: dict[str, Any] | None = None, left: float | None = None
) -> CellFinished:
    return CellFinished(cells.index(cell) + 1, len(cells), cell.name, state, record["seconds"] if record else None, left)


def _outcomes(
    cells: Sequence[Cell], study: Study, out: Path, options: SweepOptions, at: Callable[[Mapping[str, ProgressEvent]], None]
) -> Iterator[Outcome]:
    """What the cells came to, each as soon as it ended."""
    if options.ray is not None and cells:
        from lm_eval_illusion.sweep.ray_backend import run_on_ray

        yield from run_on_ray(cells, study, out, options.ray, at)
        return
    for cell in cells:
        yield attempt(cell, study, out, lambda step, name=cell.name: at({name: step}))  # type: ignore[misc]


def _is_reported(folders: Sequence[Path], out: Path) -> bool:
    """Whether there is a report, or nothing to report: of other tasks than ours only `report --pair` can say what belongs together."""
    from lm_eval_illusion.report.command import report_command
    from lm_eval_illusion.results.runs import find_runs, find_views

    try:
        if find_views(find_runs(folders)):
            report_command(folders, out)
    except UserError as error:
        error.show()
        return False
    return True


def _print_plan(cells: Sequence[Cell], out: Path) -> None:
    """Each cell and whether it is done, and how long the others may take, by those that are."""
    records: list[dict[str, Any] | None] = [record_of(cell, out) for cell in cells]
    for cell, record in zip(cells, records, strict=True):
        state = f"done in {record['seconds']:.0f} s" if record else "failed" if failure_of(cell, out).exists() else "to do"
        print(f"{cell.name}: {state}")
    seconds = [record["seconds"] for record in records if record]
    left = len(cells) - len(seconds)
    estimate = spoken(seconds_left(left, 0, 0.0, seconds)) or "no cell is done yet to judge by"
    print(f"{len(cells)} cells, {left} to do: {estimate}")
