"""`lm-eval-illusion rescore`: judge the stored answers of runs by the rules of today."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.escaping import print_for_terminal
from lm_eval_illusion.matching import RULES_VERSION
from lm_eval_illusion.progress import is_terminal, progress
from lm_eval_illusion.rescoring.rows import CannotJudgeError
from lm_eval_illusion.rescoring.run_files import Changes, JudgedRun, judged_form, write_judged_run
from lm_eval_illusion.results import Run, ViewFile, find_runs, find_views, join_truncated
from lm_eval_illusion.results.judge_files import is_of_a_judge
from lm_eval_illusion.results.rescored import folder_of_version, original_folder, original_hash
from lm_eval_illusion.results.results_file import read_results_file
from lm_eval_illusion.results.rules_version import versions_of_file


def rescore_command(paths: Sequence[Path], out: Path | None) -> int:
    """Judge the answers of the runs below `paths` and write new files; return the exit code 0.

    `out`: folder for the new files; None: beside the files of each run.

    Raises:
        UserError: There is no run with answers of our views, a file is damaged, answers were judged by newer rules than those of this
            version, or a folder can't be written.
    """
    runs = find_runs(paths)
    views = {run.results_file: find_views([run]) for run in runs}
    answers = {file: [view for view in its_views if judged_form(view)] for file, its_views in views.items()}
    ours = [run for run in runs if answers[run.results_file]]
    if not ours:
        raise UserError(
            f"no answers of our tasks in {join_truncated(paths)}: give folders that lm_eval wrote with --output_path and --log_samples"
        )
    older = [run for run in ours if _is_older(answers[run.results_file])]
    folders = {run.results_file: _folder(run, runs, out) for run in older}
    waiting = [run for run in older if not _is_done(run, folders[run.results_file])]
    _say_what_is_done(len(ours) - len(waiting), len(waiting))
    left = [f"{run.results_file.name} (no task of ours)" for run in runs if run not in ours]
    judged = []
    total = sum(view.effective for run in waiting for view in answers[run.results_file])
    with progress("rescoring", total, "rescoring", disable=not is_terminal()) as count:
        for run in waiting:
            done = _judged_or_reason(run, views[run.results_file], folders[run.results_file], count)
            if isinstance(done, JudgedRun):
                judged.append(done)
            else:
                left.append(f"{run.results_file} ({done})")
    _show(judged)
    _say_where_verdicts_are(ours, folders)
    if left:
        print_for_terminal(f"left as they are: {join_truncated(left, most=9)}")
    return 0


def _judged_or_reason(run: Run, views: Sequence[ViewFile], folder: Path, count: Callable[[int], object]) -> JudgedRun | str:
    """Judge a run; return why, if its rows lack what the rules need."""
    try:
        return write_judged_run(run, views, folder, count)
    except CannotJudgeError as error:
        return str(error)


def _is_older(views: Sequence[ViewFile]) -> bool:
    """Return whether the answers of a run were judged by older rules.

    Raises:
        UserError: They were judged by newer ones than those of this version.
    """
    versions = {view.samples_file: versions_of_file(view.samples_file) for view in views}
    for path, found in versions.items():
        if max(found) > RULES_VERSION:
            raise UserError(
                f"{path} was judged by version {max(found)} of the matching rules, this version of lm-eval-illusion has version"
                f" {RULES_VERSION}: update it"
            )
    return any(min(found) < RULES_VERSION for found in versions.values())


def _folder(run: Run, runs: Sequence[Run], out: Path | None) -> Path:
    """Return the folder for a run that is judged again. Below `out`, the folders have the places that those of the runs have."""
    beside = folder_of_version(run.results_file, RULES_VERSION)
    if out is None:
        return beside
    common = os.path.commonpath([original_folder(other.results_file.parent) for other in runs])
    return out / beside.relative_to(common)


def _is_done(run: Run, folder: Path) -> bool:
    """Return whether an earlier command has judged this very run."""
    path = folder / run.results_file.name
    if not path.is_file():
        return False
    rescored = read_results_file(path).rescored
    return rescored is not None and rescored.original == original_hash(run.results_file, run.results.rescored)


def _say_what_is_done(done: int, waiting: int) -> None:
    by_today = f"judged by version {RULES_VERSION} of the matching rules, the one of today"
    if not waiting:
        print_for_terminal(f"nothing to do: {_counted(done, 'run is', 'runs are')} {by_today}")
    elif done:
        print_for_terminal(f"{_counted(done, 'run is', 'runs are')} {by_today}, {_counted(waiting, 'run waits', 'runs wait')}")


def _show(judged: Sequence[JudgedRun]) -> None:
    """Print what changed: in all, and in each language."""
    if not judged:
        return
    by_language: dict[str, Changes] = defaultdict(Changes)
    for run in judged:
        for language, changes in run.changes.items():
            by_language[language].add(changes)
    rows = sum(changes.rows for changes in by_language.values())
    changed = sum(changes.to_right + changes.to_wrong for changes in by_language.values())
    print_for_terminal(
        f"{_counted(len(judged), 'run', 'runs')}, {_counted(rows, 'row', 'rows')} judged by version {RULES_VERSION} of the matching rules:"
        f" {_counted(changed, 'verdict', 'verdicts')} changed"
    )
    for language, changes in sorted(by_language.items()):
        print_for_terminal(
            f"  {language}: {_counted(changes.rows, 'row', 'rows')}, {changes.to_right:,} wrong -> right,"
            f" {changes.to_wrong:,} right -> wrong"
        )
    folders = dict.fromkeys(run.results_file.parent for run in judged)
    print_for_terminal(f"written: {join_truncated(folders, most=9)}")
    foreign = sorted({name for run in judged for name in run.foreign})
    if foreign:
        print_for_terminal(
            f"of other projects, which these rules do not judge, and left as they are: {join_truncated(foreign, most=9)}"
        )


def _say_where_verdicts_are(runs: Sequence[Run], folders: Mapping[Path, Path]) -> None:
    """Say where the verdicts of judges are, if those of a run are not found from the folder that its new files are in."""
    places = [original_folder(run.results_file.parent) for run in runs if run.results_file in folders]
    new = {original_folder(folder) for folder in folders.values()}
    apart = [place for place in dict.fromkeys(places) if place not in new and any(map(is_of_a_judge, os.listdir(place)))]
    if apart:
        print_for_terminal(f"verdicts of judges stay in {join_truncated(apart, most=9)}: give report both folders")


def _counted(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"
