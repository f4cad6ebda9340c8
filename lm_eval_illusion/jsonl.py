"""A JSONL file -> its rows with their places, or one line that says what is wrong where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError

Row = dict[str, Any]


def read_rows(path: Path) -> Iterator[tuple[str, Row]]:
    """The rows as ("file:line", object); blank lines are none.

    Raises:
        UserError: the file can't be read, or a line is not UTF-8, not a JSON object, nested too deep, or holds half a character.
    """
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{path} can't be read ({reason}): give a JSONL file of questions") from error
    # Not splitlines: U+2028 may stand in a JSON string.
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return ((f"{path}:{number}", _parsed(line, f"{path}:{number}")) for number, line in enumerate(lines, 1) if line.strip())


def _parsed(line: bytes, place: str) -> Row:
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(f"{place}: not UTF-8 (byte {error.start + 1}): save the file as UTF-8") from error
    except json.JSONDecodeError as error:
        raise UserError(f"{place}: not a JSON object ({error}): write one question a line") from error
    except RecursionError as error:
        raise UserError(f"{place}: nested too deep: write a question as one flat object") from error
    except ValueError as error:  # Python's limit on the digits of an integer
        raise UserError(f"{place}: a number has too many digits: put it in quotes or leave it out") from error
    if not isinstance(row, dict):
        raise UserError(f"{place}: not a JSON object but {type(row).__name__}: write one question a line")
    _refuse_half_characters(row, line, place)
    return row


def _refuse_half_characters(row: Row, line: bytes, place: str) -> None:
    # Only an escape can bring in half of a pair; the bytes were UTF-8.
    if b"\\ud" not in line.lower():
        return
    try:
        json.dumps(row, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        half = ascii(str(error.object)[error.start]).strip("'")
        raise UserError(f"{place}: {half} is half a character: write the whole pair, or the character itself") from error
