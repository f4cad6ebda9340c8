"""The results files below the folders that the user gave. No folder is left out without a word: a gate would check fewer variants."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from lm_eval_illusion.errors import UserError, system_reason
from lm_eval_illusion.reading import MOST_ENTRIES
from lm_eval_illusion.results.rescored import is_rescored_folder

# lm_eval names both files by the date of the run: results_<date>.json (or <name>_<date>.json) and samples_<task>_<date>.jsonl.
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d+$")


def results_files(paths: Iterable[str | Path]) -> list[Path]:
    """Return every results file below `paths`, which are folders or results files, each once. A file stands for its rescored runs, too.

    Folders that links lead to are searched like others; a folder that was searched is not searched again, so loops end. A file is named by
    its real folder. If it is a link, it has its own name if the samples are beside it, as where a store holds the contents by their
    hashes; otherwise the path is that of the file that it leads to.

    Raises:
        UserError: A path does not exist or has no results file, or a folder below it can't be listed.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        below = results_below(path) if _is_folder(path) else [path, *_rescored(path)]
        if not below:
            raise UserError(f"{path} holds no results_*.json: run lm_eval with --output_path {path} --log_samples")
        found += below
    # `Path.resolve` raises for a looping link before Python 3.13. Here, reading the file gives the message.
    named = [Path(os.path.realpath(file.parent), file.name) for file in found]
    by_content: dict[Path, list[Path]] = {}
    for file in named:
        by_content.setdefault(Path(os.path.realpath(file)), []).append(file)
    dates: dict[Path, set[str]] = {}
    return [_place(real, names, dates) for real, names in by_content.items()]


def _rescored(file: Path) -> list[Path]:
    """Return the results files of the run of `file` that were made by judging its answers again, sorted."""
    try:
        names = [name for name in os.listdir(file.parent) if is_rescored_folder(name)]
    except OSError as error:
        raise _not_listed(file.parent, error) from error
    return sorted(place for name in names if (place := file.parent / name / file.name).is_file())


def _place(real: Path, names: list[Path], dates: dict[Path, set[str]]) -> Path:
    """Return the path of a results file: the first of its names that has samples beside it. `dates`: those found, by folder."""
    if names == [real]:
        return real
    for file in names:
        if file.parent not in dates:
            dates[file.parent] = _dates_of_samples(file.parent)
        if file.stem.rpartition("_")[2] in dates[file.parent]:
            return file
    return real if _is_results(real.name) else names[0]


def _dates_of_samples(folder: Path) -> set[str]:
    try:
        names = os.listdir(folder)
    except OSError as error:
        raise _not_listed(folder, error) from error
    return {
        name.removesuffix(".jsonl").rpartition("_")[2]
        for name in names
        if name.startswith("samples_") and name.endswith(".jsonl")
    }


def results_below(folder: Path) -> list[Path]:
    """Return the results files of a folder and its subfolders, sorted. Whatever has the name of one is one, also a link or a FIFO.

    Raises:
        UserError: A folder can't be listed, or there are more than `MOST_ENTRIES` files and folders.
    """
    found: list[Path] = []
    searched: set[tuple[int, int]] = set()
    waiting = [folder]
    entries = 0
    while waiting:
        current = waiting.pop()
        try:
            status = os.stat(current)
            if (status.st_dev, status.st_ino) in searched:
                continue
            searched.add((status.st_dev, status.st_ino))
            with os.scandir(current) as listing:
                for entry in listing:
                    entries += 1
                    if _is_results(entry.name):
                        found.append(current / entry.name)
                    elif _leads_to_folder(entry):
                        waiting.append(current / entry.name)
        except OSError as error:
            raise _not_listed(error.filename or current, error) from error
        if entries > MOST_ENTRIES:
            raise UserError(f"{folder} has more than {MOST_ENTRIES:,} files and folders below it: give the folders of the runs")
    return sorted(found)


def _is_folder(path: Path) -> bool:
    remedy = "give the folder that lm_eval wrote with --output_path"
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(f"{path} does not exist: {remedy}") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL or half a character in the path
        raise UserError(f"{path} can't be read ({error}): {remedy}") from error


def _is_results(name: str) -> bool:
    # macOS writes a file's attributes into `._<name>` beside it where the disk or the archive has no place for them.
    if name.startswith("._"):
        return False
    return name.endswith(".json") and (name.startswith("results_") or DATE.search(name.removesuffix(".json")) is not None)


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder or a link to one. A link that leads to itself or to nothing is none."""
    try:
        return entry.is_dir()
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENAMETOOLONG):
            return False
        raise


def _not_listed(path: str | Path, error: OSError) -> UserError:
    return UserError(
        f"{path} can't be listed ({system_reason(error)}): its runs would be missing in the report, so make it readable, remove it,"
        " or give the other folders one by one"
    )
