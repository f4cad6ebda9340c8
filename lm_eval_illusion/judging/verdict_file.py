"""Writer of the judge files beside the samples. A file keeps the verdicts of earlier runs that the new ones do not replace."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from filelock import FileLock
from msgspec.structs import replace

from lm_eval_illusion.errors import UserError, system_reason
from lm_eval_illusion.escaping import for_json, for_utf8
from lm_eval_illusion.files import refuse_special, replace_text
from lm_eval_illusion.results.judge_files import JudgeRow, judge_file_name, read_judge_rows

_REMEDY = "make room or make the folder writable, and run the same command again, which asks nothing twice"


def check_verdicts(folder: Path, model: str) -> None:
    """Check that the verdicts of a judge can be written into a folder, before anything is asked and paid.

    Raises:
        UserError: The folder can't be written, or the file that is there is damaged or no regular file.
    """
    path = folder / judge_file_name(model)
    if path.exists():
        read_judge_rows(path)
    if not os.access(folder, os.W_OK):
        raise UserError(f"{path} can't be written (Permission denied): {_REMEDY}")


def write_verdicts(folder: Path, rows: Sequence[JudgeRow]) -> Path:
    """Write rows of one judge to its file in the folder of their samples; return the path. The file is replaced at once.

    Raises:
        UserError: The file that is there is damaged, or it can't be written.
    """
    path = folder / judge_file_name(rows[0].judge)
    try:
        refuse_special(path)
        # Two commands with the same judge must not lose each other's verdicts.
        with FileLock(folder / f".{path.name}.lock"):
            before = read_judge_rows(path) if path.exists() else []
            text = "".join(_line(row) for row in merged(before, rows))
            replace_text(path, text)
    except OSError as error:
        raise UserError(f"{path} can't be written ({system_reason(error)}): {_REMEDY}") from error
    return path


def merged(before: Sequence[JudgeRow], new: Sequence[JudgeRow]) -> list[JudgeRow]:
    """Return the rows of a judge file, sorted: the new ones, and the earlier ones about other answers or by other judges.

    An earlier row of the same judge about an equal answer gets the new verdict: one answer has one verdict of a judge.
    """
    newest = {(row.by, row.content): row for row in new}
    rows = {(row.by, row.samples, row.id): row for row in before} | {(row.by, row.samples, row.id): row for row in new}
    return [_with_verdict_of(newest.get((row.by, row.content)), rows[key]) for key, row in sorted(rows.items())]


def _with_verdict_of(newest: JudgeRow | None, row: JudgeRow) -> JudgeRow:
    if newest is None:
        return row
    return replace(row, verdict=newest.verdict, reply=newest.reply, served_model=newest.served_model)


def _line(row: JudgeRow) -> str:
    texts = {name: for_utf8(value) for name in JudgeRow.__struct_fields__ if isinstance(value := getattr(row, name), str)}
    return for_json(msgspec.json.encode(replace(row, **texts)).decode()) + "\n"
