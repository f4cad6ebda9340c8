"""One lm_eval run from Python, its files written as lm_eval writes them."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError


def evaluate(
    model_args: dict[str, Any],
    tasks: Sequence[str],
    folder: Path,
    *,
    limit: int | None,
    batch_size: int,
    metadata: dict[str, Any],
) -> None:
    """Ask `pruned-hf` with these arguments the first `limit` items of each task and write results and samples below `folder`.

    lm_eval's own tasks are indexed, which takes 8 to 18 s, only if one of them is asked for. `metadata`: as lm_eval's --metadata.

    Raises:
        UserError: an argument is wrong, or the files could not be written.
    """
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker

    from lm_eval_illusion.plugin import MODEL_NAME, register
    from lm_eval_illusion.progress import step

    register()
    step("loading")
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    tracker = EvaluationTracker(output_path=str(folder))
    results = simple_evaluate(
        model=MODEL_NAME,
        model_args=model_args,
        tasks=list(tasks),
        limit=limit,
        batch_size=batch_size,
        bootstrap_iters=0,
        task_manager=task_manager(tasks, metadata),
        evaluation_tracker=tracker,
        metadata=metadata,
    )
    if results is None:  # another rank than 0: the first one writes
        return
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for task in results["configs"]:
        tracker.save_results_samples(task_name=task, samples=samples[task])
    _check_written(folder, getattr(tracker, "date_id", ""), {task: len(rows) for task, rows in samples.items()})


def task_manager(tasks: Sequence[str], metadata: dict[str, Any]) -> Any:
    """lm_eval's task manager, of our tasks alone where no other is asked for.

    Raises:
        UserError: a task is unknown.
    """
    from lm_eval.tasks import TaskManager

    from lm_eval_illusion.plugin import tasks_folder

    ours = TaskManager(include_path=str(tasks_folder()), include_defaults=False, metadata=metadata)
    if set(tasks) <= set(ours.all_tasks):
        return ours
    everybodys = TaskManager(include_path=str(tasks_folder()), metadata=metadata)
    for task in tasks:
        if task not in everybodys.all_tasks:
            raise UserError(f"task {task!r} is unknown: `lm_eval ls tasks` lists them all")
    return everybodys


def _check_written(folder: Path, date: str, rows: dict[str, int]) -> None:
    """lm_eval turns an error in writing into a warning, so look for the files and whether they are whole."""
    short = [task for task, expected in sorted(rows.items()) if _rows_written(folder, task, date) != expected]
    if short or not any(map(_is_json, folder.rglob(f"results_{date}.json"))):
        what = f"the samples of {', '.join(short[:3])}" if short else "its results"
        raise UserError(f"lm_eval could not write {what} to {folder}: is it writable, is the disk full?")


def _rows_written(folder: Path, task: str, date: str) -> int:
    """How many rows the samples file of a task holds; a row that a full disk cut off has no end of line."""
    name = f"samples_{task}_{date}.jsonl"
    return sum(path.read_bytes().count(b"\n") for path in folder.rglob("samples_*") if path.name == name)


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True
