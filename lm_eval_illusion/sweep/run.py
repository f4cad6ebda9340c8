"""`lm-eval-illusion sweep`: the cells that are not done, one after the other, then the report of all that are."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.evaluation import evaluate
from lm_eval_illusion.sweep.cells import Cell, cells_of
from lm_eval_illusion.sweep.completion import complete, folder_of, one_sweep, record_of
from lm_eval_illusion.sweep.study import Study

EXIT_FAILED_CELLS = 1
"""The exit code where some cell failed."""


@dataclass(frozen=True)
class SweepOptions:
    """`retry_failed`: run cells again that failed before. `log_json`: a JSON object a line in place of text."""

    dry_run: bool = False
    retry_failed: bool = False
    log_json: bool = False


def sweep_command(study: Study, out: Path, options: SweepOptions) -> int:
    """Run what is missing and report. Returns the exit code: 0, or 1 where a cell failed.

    Raises:
        UserError: a cell's arguments are wrong, the folder is in use or can't be written.
    """
    cells = cells_of(study)
    if options.dry_run:
        _print_plan(cells, out)
        return 0
    with one_sweep(out):
        failed = [cell for number, cell in enumerate(cells, 1) if not _is_run(cell, study, out, options, (number, len(cells)))]
        done = [cell for cell in cells if cell not in failed]
        if done:
            _report([folder_of(cell, out) for cell in done], out / "report")
    for cell in failed:
        print(f"failed: {cell.name}, see {_failure(cell, out)}; --retry-failed runs it again", file=sys.stderr)
    return EXIT_FAILED_CELLS if failed else 0


def _is_run(cell: Cell, study: Study, out: Path, options: SweepOptions, place: tuple[int, int]) -> bool:
    """Whether the cell is done, now or before."""
    record = record_of(cell, out)
    if record is not None:
        _log(options, place, cell, "done before", record["seconds"])
        return True
    if _failure(cell, out).exists() and not options.retry_failed:
        _log(options, place, cell, "failed before", None)
        return False
    try:
        record = complete(cell, out, lambda folder: _evaluate(cell, study, folder))
    except (Exception, SystemExit) as error:
        # One cell's failure is its own: it is kept, the others go on, and the exit code says so.
        _keep_failure(cell, out, error)
        _log(options, place, cell, f"failed: {' '.join(str(error).split())[:200]}", None)
        return False
    _failure(cell, out).unlink(missing_ok=True)
    _log(options, place, cell, "done", record["seconds"])
    return True


def _evaluate(cell: Cell, study: Study, folder: Path) -> None:
    evaluate(cell.model_args, study.tasks, folder, limit=study.limit, batch_size=study.batch_size, metadata=study.metadata)


def _failure(cell: Cell, out: Path) -> Path:
    return out / "failed" / f"{cell.name}.txt"


def _keep_failure(cell: Cell, out: Path, error: BaseException) -> None:
    try:
        _failure(cell, out).parent.mkdir(exist_ok=True)
        _failure(cell, out).write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError as second:
        # A full disk: what it was is said on the terminal at least.
        print(f"lm-eval-illusion: {cell.name}: {error} (and it can't be written: {second.strerror})", file=sys.stderr)


def _report(folders: Sequence[Path], out: Path) -> None:
    from lm_eval_illusion.report import report_command

    try:
        report_command(folders, out)
    except UserError as error:
        error.show()


def _print_plan(cells: Sequence[Cell], out: Path) -> None:
    """Each cell and whether it is done, and how long the others may take, by those that are."""
    records = [record_of(cell, out) for cell in cells]
    for cell, record in zip(cells, records, strict=True):
        state = f"done in {record['seconds']:.0f} s" if record else "failed" if _failure(cell, out).exists() else "to do"
        print(f"{cell.name}: {state}")
    seconds = [record["seconds"] for record in records if record]
    left = len(cells) - len(seconds)
    estimate = f"about {left * sum(seconds) / len(seconds) / 60:.0f} min" if seconds else "no cell is done yet to judge by"
    print(f"{len(cells)} cells, {left} to do: {estimate}")


def _log(options: SweepOptions, place: tuple[int, int], cell: Cell, state: str, seconds: float | None) -> None:
    number, of = place
    if options.log_json:
        event: dict[str, Any] = {"cell": cell.name, "number": number, "of": of, "state": state, "seconds": seconds}
        print(json.dumps(event, ensure_ascii=False), flush=True)
    else:
        print(f"[{number}/{of}] {cell.name}: {state}" + (f" ({seconds:.0f} s)" if seconds is not None else ""), flush=True)
