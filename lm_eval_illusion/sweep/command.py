"""`lm-eval-illusion sweep`: run the missing cells on the chosen engine, then report on all finished cells."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, nullcontext, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.escaping import for_terminal
from lm_eval_illusion.progress import ProgressEvent
from lm_eval_illusion.sweep.base_models import refuse_absent_models, refuse_quantized_models, refuse_unnamed_files
from lm_eval_illusion.sweep.cell_record import CellRecord, cell_folder, earlier_record, fault_of, read_record
from lm_eval_illusion.sweep.cell_run import CellResult, failure_file, record_failure, refuse_foreign_folders, sweep_lock
from lm_eval_illusion.sweep.contents import NOT_DOWNLOADED, changed_inputs, with_contents
from lm_eval_illusion.sweep.grid import Cell, cells_of
from lm_eval_illusion.sweep.needs import lines_about_short_space, needs_of_cells
from lm_eval_illusion.sweep.progress import (
    ProgressDisplay,
    RunFinished,
    duration_in_words,
    seconds_left,
    showing_warnings,
    sweep_display,
)
from lm_eval_illusion.sweep.ray_resources import CellResources
from lm_eval_illusion.sweep.study import Study
from lm_eval_illusion.sweep.worker import Worker

EXIT_FAILED_CELLS = 1
"""The exit code if a cell or the report failed."""


@dataclass(frozen=True)
class SweepOptions:
    """How to run a sweep.

    `dry_run`: print the plan only. `retry_failed`: run cells again that failed in an earlier sweep. `log_json`: print one JSON object
    per cell and nothing else to standard output. `ray`: run the cells on Ray with these resources each; None runs them one after the
    other on this machine.
    """

    dry_run: bool = False
    retry_failed: bool = False
    log_json: bool = False
    ray: CellResources | None = None


@dataclass(frozen=True)
class SweepState:
    """The state of a sweep's folder: records of the finished cells by name, cells that failed before and stay failed, cells to run."""

    done: dict[str, CellRecord]
    failed: list[Cell]
    missing: list[Cell]


def sweep_command(study: Study, out: Path, options: SweepOptions) -> int:
    """Run the missing cells of a study and write the report to `out`/report.

    Returns the exit code: 0, or 1 if a cell or the report failed.

    Raises:
        UserError: A cell's arguments are wrong, an input can't be read, `out` is in use or can't be written, or the Ray cluster can't be
            reached.
    """
    cells = with_contents(cells_of(study), ask_hub=not options.dry_run)
    if options.dry_run:
        refuse_foreign_folders(out)
        _print_plan(cells, study, out, options)
        return 0
    refuse_absent_models(cells)
    refuse_unnamed_files(cells)
    refuse_quantized_models(cells)
    with sweep_lock(out):
        state = _read_state(cells, out, options)
        for cell in state.missing:
            if change := _change_since_it_ran(cell, out):
                print(f"lm-eval-illusion: {cell.variant} of {cell.base_model}: {change}: run again", file=sys.stderr)
        for line in lines_about_short_space(state.missing, study):
            print(f"lm-eval-illusion: {line}", file=sys.stderr)
        with sweep_display(len(cells), as_json=options.log_json) as show:
            failed = _run_missing(cells, state, study, out, options, show)
        done = [cell for cell in cells if cell not in failed]
        is_reported = not done or _write_report([cell_folder(cell, out) for cell in done], out / "report", options)
    for cell in failed:
        print(f"failed: {cell.name}, see {failure_file(cell, out)}; --retry-failed runs it again", file=sys.stderr)
    return EXIT_FAILED_CELLS if failed or not is_reported else 0


def _read_state(cells: Sequence[Cell], out: Path, options: SweepOptions) -> SweepState:
    state = SweepState({}, [], [])
    for cell in cells:
        record = read_record(cell, out)
        if record is not None:
            state.done[cell.name] = record
        elif failure_file(cell, out).exists() and not options.retry_failed:
            state.failed.append(cell)
        else:
            state.missing.append(cell)
    return state


def _run_missing(
    cells: Sequence[Cell], state: SweepState, study: Study, out: Path, options: SweepOptions, show: ProgressDisplay
) -> list[Cell]:
    """Show the cells that ended in earlier sweeps and run the missing ones. Return the cells that failed, now or before."""
    for cell in cells:
        if cell.name in state.done:
            show.ended(_finished(cell, cells, "done before", state.done[cell.name]))
        elif cell in state.failed:
            show.ended(_finished(cell, cells, "failed before"))
    failed, earlier = list(state.failed), [record.seconds for record in state.done.values()]
    begin, done = time.perf_counter(), 0
    with closing(_results(state.missing, study, out, options, showing_warnings(show).at)) as results:
        for count, result in enumerate(results, 1):
            record_failure(result, out)
            done += result.record is not None
            remaining = seconds_left(len(state.missing) - count, done, time.perf_counter() - begin, earlier)
            end_state = "done" if result.record else f"failed: {result.reason}"
            show.ended(_finished(result.cell, cells, end_state, result.record, remaining))
            failed += [] if result.record else [result.cell]
    return [cell for cell in cells if cell in failed]


def _change_since_it_ran(cell: Cell, out: Path) -> str:
    """Return what is wrong with the cell's folder, or which inputs differ from those of an earlier run; "" if it did not run before."""
    if fault := fault_of(cell, out):
        return fault
    record = earlier_record(cell, out)
    if record is None:
        return ""
    if record.inputs is None:
        return "it ran with an earlier version, which did not record the contents of its inputs"
    return f"{', '.join(changed_inputs(cell.request.inputs, record.inputs))} changed since that cell ran"


def _finished(
    cell: Cell, cells: Sequence[Cell], state: str, record: CellRecord | None = None, remaining: float | None = None
) -> RunFinished:
    return RunFinished(cells.index(cell) + 1, len(cells), cell.name, state, record.seconds if record else None, remaining)


def _results(
    cells: Sequence[Cell], study: Study, out: Path, options: SweepOptions, at: Callable[[Mapping[str, ProgressEvent]], None]
) -> Generator[CellResult, None, None]:
    """Run the cells and yield each result as soon as it is available. `at` gets the progress of the running cells, by name."""
    if options.ray is not None and cells:
        from lm_eval_illusion.sweep.ray_backend import run_on_ray

        yield from run_on_ray(cells, study, out, options.ray, at)
        return
    with closing(Worker()) as worker:
        for cell in cells:
            yield worker.run_cell(cell, study, out, lambda step, name=cell.name: at({name: step}))  # type: ignore[misc]


def _write_report(folders: Sequence[Path], out: Path, options: SweepOptions) -> bool:
    """Write the report and return whether that succeeded. Runs without our views have no report: only `report --pair` can join them."""
    from lm_eval_illusion.report.command import report_command
    from lm_eval_illusion.results.runs import find_runs, find_views

    try:
        if find_views(find_runs(folders)):
            # A program that reads JSON lines has no use for the tables.
            with redirect_stdout(io.StringIO() if options.log_json else sys.stdout):
                report_command(folders, out)
    except UserError as error:
        error.show()
        return False
    return True


def _print_plan(cells: Sequence[Cell], study: Study, out: Path, options: SweepOptions) -> None:
    """Print each cell with its state, the time that the missing cells may take, estimated from the finished cells, and what they need."""
    cells = [_without_unknown_contents(cell) for cell in cells]
    records = [read_record(cell, out) for cell in cells]
    states = [_planned_state(cell, record, out, options) for cell, record in zip(cells, records, strict=True)]
    to_run = [cell for cell, state in zip(cells, states, strict=True) if state.startswith("to do")]
    with sweep_display(len(cells), as_json=True) if options.log_json else nullcontext() as display:
        for cell, record, state in zip(cells, records, states, strict=True):
            if display is not None:
                display.ended(_finished(cell, cells, state, record))
            else:
                seconds = f" in {record.seconds:.0f} s" if record else ""
                print(for_terminal(f"{cell.name}: {state}{seconds}"))
    earlier = [record.seconds for record in records if record]
    estimate = duration_in_words(seconds_left(len(to_run), 0, 0.0, earlier)) or "no cell is done yet, so there is no estimate"
    file = sys.stderr if options.log_json else sys.stdout
    print(f"{len(cells)} cells, {len(to_run)} to do: {estimate}", file=file)
    for line in needs_of_cells(to_run, study):
        print(line, file=file)


def _without_unknown_contents(cell: Cell) -> Cell:
    """Return the cell of a model that is still to be downloaded without contents: its folder gets its name when they are known."""
    is_known = NOT_DOWNLOADED not in cell.request.inputs.values()
    return cell if is_known else replace(cell, request=replace(cell.request, inputs={}))


def _planned_state(cell: Cell, record: CellRecord | None, out: Path, options: SweepOptions) -> str:
    if record:
        return "done"
    if not cell.request.inputs:
        return "to do"
    if failure_file(cell, out).exists():
        return "to do (it failed before)" if options.retry_failed else "failed"
    change = _change_since_it_ran(cell, out)
    return f"to do ({change})" if change else "to do"
