"""The files of a run that is judged again: written to a folder of their own, all or none, beside the files of lm_eval, which stay.

The results file is written last. Without it a folder has no run, so what a killed command leaves is invisible to every reader and is
replaced by the next one. Files whose answers are not judged are linked, or copied where the disk can't, so that the folder is a whole run.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from lm_eval_illusion.errors import UserError, system_reason
from lm_eval_illusion.escaping import for_utf8
from lm_eval_illusion.files import file_sha256, replace_text
from lm_eval_illusion.matching import RULES_VERSION, explain
from lm_eval_illusion.reading import read_json
from lm_eval_illusion.rescoring.aggregates import update_aggregates
from lm_eval_illusion.rescoring.rows import CannotJudgeError, JudgedLine, judged_line
from lm_eval_illusion.results import Run, ViewFile
from lm_eval_illusion.results.rescored import FIELD, Rescored, original_hash
from lm_eval_illusion.results.results_file import MOST_BYTES
from lm_eval_illusion.results.sample_lines import parse_lines
from lm_eval_illusion.views import TaskForm, form_named

_UNFINISHED = ".rescoring-"
_LOCK = ".rescoring.lock"


@dataclass
class Changes:
    """What became of the answers in one language: rows, and verdicts that changed."""

    rows: int = 0
    to_right: int = 0
    to_wrong: int = 0

    def add(self, other: Changes) -> None:
        """Add the counts of other rows."""
        self.rows += other.rows
        self.to_right += other.to_right
        self.to_wrong += other.to_wrong


@dataclass(frozen=True)
class JudgedRun:
    """A run that was judged again: its results file, the changes by language, and the samples files of other projects in it."""

    results_file: Path
    changes: dict[str, Changes] = field(default_factory=lambda: defaultdict(Changes))
    foreign: list[str] = field(default_factory=list)


def judged_form(view: ViewFile) -> TaskForm | None:
    """Return what the task of a file asks, if its answers are judged by the rules; None if it only scores choices."""
    form = form_named(view.view)
    return form if form is not None and form.fields else None


def write_judged_run(run: Run, views: Sequence[ViewFile], folder: Path, count: Callable[[int], object]) -> JudgedRun:
    """Write the run to `folder`, judged by the rules of today.

    Args:
        run: The run.
        views: Its files of our views.
        folder: Where the files go; it may hold other runs.
        count: Gets the number of rows that were judged since its last call.

    Raises:
        UserError: A file is damaged, the folder holds another run of this name, or it can't be written.
        CannotJudgeError: The rows of a file lack what the rules need. Nothing is written.
    """
    judged = JudgedRun(folder / run.results_file.name)
    content = read_json(run.results_file, "give the results file as lm_eval wrote it", MOST_BYTES)
    values: dict[str, dict[str, list[float]]] = {}
    try:
        with _held(folder):
            if judged.results_file.exists():
                raise UserError(
                    f"{judged.results_file} is of another run than {run.results_file} is now: remove {folder} and rescore again"
                )
            unfinished = {}
            answered = [view for view in views if judged_form(view)]
            for view in answered:
                unfinished[view.samples_file.name] = folder / f"{_UNFINISHED}{view.samples_file.name}"
                values[view.task] = _write_rows(view, unfinished[view.samples_file.name], judged, count)
            for path in _samples_of(run):
                if path.name not in unfinished:
                    unfinished[path.name] = folder / f"{_UNFINISHED}{path.name}"
                    _link_or_copy(path, unfinished[path.name])
            update_aggregates(content, values, {group: run.leaves(group) for group in run.results.group_subtasks})
            ours = {view.samples_file.name for view in views}
            judged.foreign.extend(name for name in unfinished if name not in ours)
            sources = [run.results_file, *(view.samples_file for view in answered)]
            rescored = Rescored(
                RULES_VERSION,
                original_hash(run.results_file, run.results.rescored),
                {path.name: file_sha256(path) for path in sources},
            )
            content[FIELD] = msgspec.to_builtins(rescored)
            for name, path in unfinished.items():
                path.replace(folder / name)
            replace_text(judged.results_file, for_utf8(json.dumps(content, indent=2, ensure_ascii=False)))
    except OSError as error:
        raise UserError(
            f"{folder} can't be written ({system_reason(error)}): make room or make it writable, or give another folder: --out FOLDER"
        ) from error
    return judged


def _write_rows(view: ViewFile, path: Path, judged: JudgedRun, count: Callable[[int], object]) -> dict[str, list[float]]:
    """Write the judged rows of a samples file to `path`; return the values of its metrics by metric and filter."""
    form = judged_form(view)
    if form is None:
        raise ValueError(f"the view {view.view} has no answers")
    _check_language(view)
    values: dict[str, list[float]] = defaultdict(list)
    changes = Changes()

    def judge(line: bytes) -> JudgedLine:
        return judged_line(line, form, view.language)

    with path.open("xb") as file:
        for row in parse_lines(view.samples_file, judge):
            file.write(row.line)
            changes.rows += 1
            changes.to_right += row.is_right and not row.was_right
            changes.to_wrong += row.was_right and not row.is_right
            for name, value in row.metrics.items():
                values[f"{name},{row.filter}"].append(value)
            count(1)
    if changes.rows != view.effective:
        raise UserError(
            f"{view.samples_file} has {changes.rows} rows, but its run evaluated {view.effective} items: the file is not complete or not"
            " the one of this run, run it again"
        )
    judged.changes[view.language].add(changes)
    return values


def _check_language(view: ViewFile) -> None:
    try:
        explain("", ["a"], view.language)
    except UserError as error:
        raise CannotJudgeError(str(error)) from error


def _samples_of(run: Run) -> list[Path]:
    """Return the samples files of a run, of whatever task."""
    date = run.results_file.stem.rpartition("_")[2]
    return sorted(
        path
        for path in run.results_file.parent.iterdir()
        if path.name.startswith("samples_") and path.name.endswith(f"_{date}.jsonl")
    )


def _link_or_copy(path: Path, target: Path) -> None:
    real = path.resolve()
    try:
        os.link(real, target)
    except OSError:
        # Another disk, a file system without links, or a file of another user.
        shutil.copyfile(real, target)


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Make a folder and hold it for one command within the `with` statement; unfinished files in it are removed before and after.

    Raises:
        UserError: Another command holds it, or a link or a file is in its place.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    if not stat.S_ISDIR(os.lstat(folder).st_mode):
        raise UserError(f"{folder} is a link, not a folder: remove it, or give another folder: --out FOLDER")
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UserError(f"{folder} is being written by another command: wait for it") from error
    try:
        _remove_unfinished(folder)
        yield
    finally:
        _remove_unfinished(folder)
        lock.release()
        # What is left is empty if nothing was written.
        with contextlib.suppress(OSError):
            if {path.name for path in folder.iterdir()} <= {_LOCK}:
                (folder / _LOCK).unlink(missing_ok=True)
                folder.rmdir()


def _remove_unfinished(folder: Path) -> None:
    for path in folder.glob(f"{_UNFINISHED}*"):
        path.unlink(missing_ok=True)
