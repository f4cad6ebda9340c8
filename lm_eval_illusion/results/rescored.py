"""Runs whose stored answers were judged again by other matching rules (`lm-eval-illusion rescore`), and which files of a run count.

RUN/results_<date>.json, samples_*_<date>.jsonl              a run as lm_eval wrote it
RUN/rescored_v2/results_<date>.json, samples_*_<date>.jsonl  the same run, judged by version 2 of the rules

The results file of a rescored run has the field `rescored`. Of a run and all that was made from it, the newest version counts: a run is
rescored only where its own verdicts are older.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec

from lm_eval_illusion.reading import read_file

FIELD = "rescored"
"""The field of a results file."""
_FOLDER = re.compile(r"rescored_v[1-9][0-9]{0,6}")
_SHA256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Rescored(msgspec.Struct, frozen=True):
    """How a rescored run was made.

    `rules_version`: of the rules that judged its answers. `original`: SHA-256 of the results file that lm_eval wrote. `sources`: SHA-256 of
    the files that it was made from, by name.
    """

    rules_version: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    original: _SHA256
    sources: dict[str, _SHA256]


def folder_of_version(results_file: Path, version: int) -> Path:
    """Return the folder for a run that is judged again: beside the files that lm_eval wrote."""
    return original_folder(results_file.parent) / f"rescored_v{version}"


def original_folder(folder: Path) -> Path:
    """Return the folder of the run that the files in `folder` were made from, which is `folder` itself for a run of lm_eval."""
    return folder.parent if is_rescored_folder(folder.name) else folder


def is_rescored_folder(name: str) -> bool:
    """Return whether a folder of this name holds rescored runs."""
    return _FOLDER.fullmatch(name) is not None


def original_hash(results_file: Path, rescored: Rescored | None) -> str:
    """Return the SHA-256 of the results file that lm_eval wrote, of a run or of what a rescored run was made from."""
    if rescored is not None:
        return rescored.original
    return hashlib.sha256(read_file(results_file, "give the results file as lm_eval wrote it")).hexdigest()


def folders_of_runs(runs: Iterable[tuple[Path, Rescored | None]]) -> dict[Path, tuple[Path, ...]]:
    """Return, by results file, the other folders that hold the same run: as lm_eval wrote it, or judged by other rules.

    Judges may have judged its answers there. Empty where no run was rescored. The folder of a rescored run is that around it.
    """
    listed = list(runs)
    if not any(rescored for _, rescored in listed):
        return {}
    keys = {path: original_hash(path, rescored) for path, rescored in listed}
    folders: dict[str, dict[Path, None]] = {}
    for path, key in keys.items():
        folders.setdefault(key, {})[original_folder(path.parent)] = None
    return {path: tuple(other for other in folders[key] if other != original_folder(path.parent)) for path, key in keys.items()}


def superseded(runs: Iterable[tuple[Path, Rescored | None]]) -> set[Path]:
    """Return the results files that do not count: there is a newer judgement of the same run. Of two equal ones the first counts."""
    listed = list(runs)
    if not any(rescored for _, rescored in listed):
        return set()
    newest: dict[str, tuple[int, Path]] = {}
    older = set()
    for path, rescored in listed:
        key, version = original_hash(path, rescored), rescored.rules_version if rescored else 0
        other = newest.get(key)
        # Two runs with equal files are not one run that was judged twice: whoever reads them says so.
        if other is not None and version == other[0] == 0:
            continue
        if other is None or version > other[0]:
            newest[key] = version, path
            if other is not None:
                older.add(other[1])
        else:
            older.add(path)
    return older
