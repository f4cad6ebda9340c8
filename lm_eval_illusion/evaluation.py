"""One lm_eval run from Python: it writes the same files as the command `lm_eval`, and its output can go to a log file."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pipes import OutputError

MOST_FOLDER_BYTES = 200
"""The length of the name of the folder that lm_eval writes, of the 255 bytes that file systems allow."""


def evaluate(
    model_args: dict[str, Any],
    tasks: Sequence[str],
    folder: Path,
    *,
    limit: int | None,
    batch_size: int,
    metadata: dict[str, Any],
    apply_chat_template: bool = False,
) -> None:
    """Evaluate `pruned-hf` on `tasks` and write results and samples below `folder`.

    lm_eval's own tasks are indexed only if `tasks` names one of them: that takes 8 to 18 s.

    Args:
        model_args: Arguments of `pruned-hf`.
        tasks: Names of tasks or groups.
        folder: Where lm_eval's `EvaluationTracker` writes.
        limit: Number of items per task, from the first; None for all.
        batch_size: Rows per batch.
        metadata: As `--metadata` of lm_eval.
        apply_chat_template: As the flag of lm_eval: each prompt is a user's turn in the chat template of the model's tokenizer.

    Raises:
        UserError: An argument is wrong, or the files could not be written.
    """
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker

    from lm_eval_illusion.plugin import MODEL_NAME, register
    from lm_eval_illusion.progress import report_step

    register()
    report_step("loading")
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
        apply_chat_template=apply_chat_template,
    )
    if results is None:  # This process is not rank 0; rank 0 writes.
        return
    # lm_eval names a folder by the whole path of the model, which may be longer than file systems allow for one name.
    tracked = tracker.general_config_tracker
    tracked.model_name_sanitized = _last_bytes(tracked.model_name_sanitized, MOST_FOLDER_BYTES)
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for task in results["configs"]:
        tracker.save_results_samples(task_name=task, samples=samples[task])
    _check_written(folder, getattr(tracker, "date_id", ""), {task: len(rows) for task, rows in samples.items()})


def task_manager(tasks: Sequence[str], metadata: dict[str, Any]) -> Any:
    """Return lm_eval's task manager. It indexes only our tasks if all of `tasks` are ours.

    Raises:
        UserError: A task is unknown.
    """
    from lm_eval.tasks import TaskManager

    from lm_eval_illusion.plugin import tasks_folder

    ours = TaskManager(include_path=str(tasks_folder()), include_defaults=False, metadata=metadata)
    if set(tasks) <= set(ours.all_tasks):
        return ours
    complete = TaskManager(include_path=str(tasks_folder()), metadata=metadata)
    for task in tasks:
        if task not in complete.all_tasks:
            raise UserError(f"task {task!r} is unknown: `lm_eval ls tasks` lists them all")
    return complete


def _last_bytes(name: str, most: int) -> str:
    """Return the end of a name, of at most so many bytes of UTF-8."""
    return name.encode(errors="surrogateescape")[-most:].decode(errors="ignore")


def _check_written(folder: Path, date: str, rows: dict[str, int]) -> None:
    """Check that the files exist and are complete: lm_eval only warns if it cannot write.

    Args:
        folder: Where lm_eval wrote.
        date: The date in the names of the files.
        rows: Expected number of rows in the samples file of each task.

    Raises:
        UserError: A file is missing or incomplete.
    """
    incomplete = [task for task, expected in sorted(rows.items()) if _rows_written(folder, task, date) != expected]
    if incomplete or not any(map(_is_json, folder.rglob(f"results_{date}.json"))):
        what = f"the samples of {', '.join(incomplete[:3])}" if incomplete else "its results"
        raise UserError(
            f"lm_eval could not write {what} to {folder}: make room on the disk, make the folder writable, or give another one"
        )


def _rows_written(folder: Path, task: str, date: str) -> int:
    """Return the number of complete rows in the samples file of a task; a row that a full disk cut off has no line end."""
    name = f"samples_{task}_{date}.jsonl"
    return sum(path.read_bytes().count(b"\n") for path in folder.rglob("samples_*") if path.name == name)


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


@contextmanager
def output_to_file(path: Path, *descriptors: int) -> Iterator[None]:
    """Append what the process writes to these file descriptors (1 stdout, 2 stderr) to a file.

    File descriptors are used, not `sys.stdout` and `sys.stderr`, because log handlers keep the stream object that they were created
    with, and native code writes to descriptors only.

    Raises:
        OSError: The file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as log, contextlib.ExitStack() as restored:
        _flush(descriptors)
        for descriptor in descriptors:
            restored.callback(_restore, os.dup(descriptor), descriptor)
            os.dup2(log.fileno(), descriptor)
        try:
            yield
        finally:
            # If the disk of the log is full, the rest of the buffer goes to the old streams.
            with contextlib.suppress(OSError, OutputError):
                _flush(descriptors)


def _restore(copy: int, descriptor: int) -> None:
    os.dup2(copy, descriptor)
    os.close(copy)


def _flush(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        (sys.stdout if descriptor == 1 else sys.stderr).flush()
