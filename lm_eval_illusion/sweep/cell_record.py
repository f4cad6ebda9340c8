"""completed.json, the record of a finished cell, and the check that the cell's folder is what the sweep wrote for this request.

Anybody who can write to the sweep's folder may have changed it. A cell is done only if its record fits what is asked, and if the folder
holds exactly the files of the record, unchanged. The hashes show damage and mistakes. They are no signature: who can write to the
folder can also write a record with other hashes.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from lm_eval_illusion.errors import UserError, attributed, one_line
from lm_eval_illusion.escaping import cut, for_terminal
from lm_eval_illusion.files import file_sha256, files_below
from lm_eval_illusion.reading import read_json
from lm_eval_illusion.results.judge_files import is_of_a_judge
from lm_eval_illusion.results.rescored import is_rescored_folder
from lm_eval_illusion.sweep.grid import Cell

RECORD = "completed.json"
MOST_RECORD_BYTES = 16 << 20
"""A larger completed.json is not read: that of a cell with 1,000 tasks has 200 KB."""
REPLACED = "replaced"

_UNCHECKED = "the results of the cell can't be checked"
_RESULTS = re.compile(r"results_(?P<date>[^/]+)\.json")
# File managers, editors and network file systems add these to any folder, as files or as folders.
_OF_THE_SYSTEM = re.compile(r"\..+|Thumbs\.db|desktop\.ini|@eaDir", re.IGNORECASE)


class CellRecord(msgspec.Struct, frozen=True):
    """The content of completed.json: the request of a finished cell, its duration, and the SHA-256 of each file by relative path.

    `inputs` is None in the record of an earlier version, which did not hash the inputs.
    """

    cell: str
    model_args: dict[str, Any]
    tasks: list[str]
    limit: int | None
    metadata: dict[str, Any]
    seconds: float
    files: dict[str, str]
    inputs: dict[str, str] | None = None
    apply_chat_template: bool = False


def cell_folder(cell: Cell, out: Path) -> Path:
    """Return the folder of a finished cell's run."""
    return out / "cells" / cell.name


def write_record(record: CellRecord, folder: Path) -> None:
    """Write completed.json to the folder of a cell.

    Raises:
        OSError: It can't be written.
    """
    # Escaped: the name of a folder may hold bytes that are no UTF-8, which Python keeps as surrogates.
    (folder / RECORD).write_text(json.dumps(msgspec.to_builtins(record), indent=2), encoding="utf-8")


def read_record(cell: Cell, out: Path) -> CellRecord | None:
    """Return the record of a finished cell; None if the cell is not done, or its folder is not what the sweep wrote (`fault_of`)."""
    try:
        return _checked_record(cell, out)
    except UserError:
        return None


def fault_of(cell: Cell, out: Path) -> str:
    """Return in one line why the folder of a cell does not count as done; "" if there is no folder, or the cell is done."""
    if not os.path.lexists(cell_folder(cell, out)):
        return ""
    try:
        _checked_record(cell, out)
    except UserError as error:
        return for_terminal(f"{one_line(error, 400)}; its folder is moved to {out / REPLACED}")
    return ""


def earlier_record(cell: Cell, out: Path) -> CellRecord | None:
    """Return the newest record of a cell with the same arguments and other inputs; None if there is none."""
    folder, found = cell_folder(cell, out), []
    for path in folder.parent.glob(f"{cell.slot}*/{RECORD}"):
        with suppress(OSError, UserError):  # one that can't be read tells nothing about the inputs
            record = _read(path)
            if record.inputs != cell.request.inputs:
                found.append((path.stat().st_mtime_ns, record))
    return max(found, key=lambda entry: entry[0], default=(0, None))[1]


def _read(path: Path) -> CellRecord:
    """Return the record in a file, whose fields have the right types.

    Raises:
        UserError: It can't be read, is not JSON, or lacks a field.
    """
    content = read_json(path, _UNCHECKED, MOST_RECORD_BYTES)
    with attributed(f"{path} is not the record of a cell", _UNCHECKED):
        return msgspec.convert(content, CellRecord)


def _checked_record(cell: Cell, out: Path) -> CellRecord:
    """Return the record of a cell that is done.

    Raises:
        UserError: It is not; the message says why.
    """
    folder = cell_folder(cell, out)
    with attributed(f"{folder} can't be read", _UNCHECKED):
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise UserError(f"{folder} is no folder: {_UNCHECKED}")
    record = _read(folder / RECORD)
    if differing := _differing(record, cell):
        raise UserError(f"{folder / RECORD} has another {', '.join(differing)} than this cell: its results belong elsewhere")
    with attributed(f"{folder} can't be read", _UNCHECKED):
        files = {name: path for name, path in files_below(folder).items() if name != RECORD and not _may_be_added(name)}
        _compare(files, record.files, folder)
    return record


def _differing(record: CellRecord, cell: Cell) -> list[str]:
    """Return the fields of a record that are not those of the cell, or that no sweep would have written."""
    request = {"cell": cell.name, **asdict(cell.request)}
    names = [name for name, value in request.items() if _canonical(getattr(record, name)) != _canonical(value)]
    return names + ([] if math.isfinite(record.seconds) and record.seconds >= 0 else ["seconds"])


def _canonical(value: object) -> str:
    """Return a value as JSON text: equal for a tuple and a list, and for two NaN."""
    return json.dumps(value, sort_keys=True)


def _compare(files: Mapping[str, Path], recorded: Mapping[str, str], folder: Path) -> None:
    """Check that the files of a cell are those of its record, and that they are one run with samples.

    Raises:
        UserError: They are not.
    """
    if added := sorted(files.keys() - recorded.keys()):
        raise UserError(f"{folder} holds {cut(added[0], 100)}, which the sweep did not write: {_UNCHECKED}")
    if missing := sorted(recorded.keys() - files.keys()):
        raise UserError(f"{folder} lacks {cut(missing[0], 100)}, which its {RECORD} lists: {_UNCHECKED}")
    if not _is_one_run(files):
        raise UserError(f"{folder} does not hold one results file with samples: {_UNCHECKED}")
    for name, path in files.items():
        if file_sha256(path) != recorded[name]:
            raise UserError(f"{folder / name} is not the file that the sweep wrote: {_UNCHECKED}")


def _is_one_run(names: Collection[str]) -> bool:
    """Return whether the files of these names are one results file of lm_eval, with at least one samples file beside it."""
    paths = [PurePosixPath(name) for name in names]
    results = [path for path in paths if path.suffix == ".json"]
    match = _RESULTS.fullmatch(results[0].name) if len(results) == 1 else None
    if match is None:
        return False
    beside = [path.name for path in paths if path.parent == results[0].parent]
    return any(name.startswith("samples_") and name.endswith(f"_{match['date']}.jsonl") for name in beside)


def _may_be_added(name: str) -> bool:
    """Return whether a file may be in a cell's folder that the sweep did not write: of the system, of `rescore` or of a judge."""
    path = PurePosixPath(name)
    is_rescored = any(is_rescored_folder(part) for part in path.parts[:-1])
    return _is_of_the_system(name) or is_rescored or is_of_a_judge(path.name)


def _is_of_the_system(name: str) -> bool:
    """Return whether the sweep may leave out a file that it did not write. What a report could take for results is none."""
    path = PurePosixPath(name)
    could_be_results = path.suffix in (".json", ".jsonl") and not path.name.startswith("._")
    return not could_be_results and any(_OF_THE_SYSTEM.fullmatch(part) for part in path.parts)
