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

# lm_eval names both files by the date of the run: results_<date>.json (or <name>_<date>.json) and samples_<task>_<date>.jsonl.
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d+$")


def results_files(paths: Iterable[str | Path]) -> list[Path]:
    """Return every results file below `paths`, which are folders or results files, each once and by its real path.

    Folders that links lead to are searched like others; a folder that was searched is not searched again, so loops end.

    Raises:
        UserError: A path does not exist or has no results file, or a folder below it can't be listed.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        below = results_below(path) if _is_folder(path) else [path]
        if not below:
            raise UserError(f"{path} holds no results_*.json: run lm_eval with --output_path {path} --log_samples")
        found += below
    # `Path.resolve` raises for a looping link before Python 3.13. Here, reading the file gives the message.
    return list(dict.fromkeys(Path(os.path.realpath(file)) for file in found))


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
