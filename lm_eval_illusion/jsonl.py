"""The reader for JSONL files written by users: one JSON object per line, each with its location for error messages.

A line ends at "\\n" only. `str.splitlines` would also split at U+2028 and U+0085, which may occur inside a JSON string.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.reading import read_file

MOST_LINE_BYTES = 1 << 26
"""The longest line that is read: 64 MiB, a book of ten thousand pages."""
# From the first character of a line that is not white space to the end of the line.
_VISIBLE = re.compile(rb"\S[^\n]*")

Row = dict[str, Any]
"""The JSON object of one line; its fields are not checked yet."""


def read_jsonl(path: Path, noun: str) -> Iterator[tuple[str, Row]]:
    """Yield ("file:line", object) for each line; skip blank lines and a byte order mark.

    Args:
        path: The file, UTF-8.
        noun: The kind of row in the singular ("question", "item"), for the error messages.

    Raises:
        UserError: The file can't be read (at the call); a line is not UTF-8, not a JSON object, nested too deep, or has an
            unpaired surrogate or a number with too many digits (when that line is reached).
    """
    content = read_file(path, f"give a JSONL file of {noun}s").removeprefix(b"\xef\xbb\xbf")
    return (
        (f"{path}:{number}", _parse_line(line, f"{path}:{number}", noun)) for number, line in _lines(content, str(path), noun)
    )


def parse_lines(content: bytes, path: str, noun: str) -> Iterator[tuple[str, Row | UserError]]:
    """Yield ("file:line", object) for each line of a file's content; in the place of a line that is no object, its error.

    Raises:
        UserError: A line is too long (when it is reached).
    """
    for number, line in _lines(content, path, noun):
        location = f"{path}:{number}"
        try:
            yield location, _parse_line(line, location, noun)
        except UserError as error:
            yield location, error


def _lines(content: bytes, path: str, noun: str) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of each line that is not blank. A file may consist of a billion line ends: they are skipped in one go."""
    number, counted = 1, 0
    for match in _VISIBLE.finditer(content):
        number += content.count(b"\n", counted, match.start())
        counted = match.start()
        if match.end() - match.start() > MOST_LINE_BYTES:
            raise UserError(f"{path}:{number}: the line has more than {MOST_LINE_BYTES:,} bytes: write one {noun} per line")
        yield number, content[content.rfind(b"\n", 0, match.start()) + 1 : match.end()]


def _parse_line(line: bytes, location: str, noun: str) -> Row:
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(f"{location}: not UTF-8 (byte {error.start + 1}): save the file as UTF-8") from error
    except json.JSONDecodeError as error:
        raise UserError(f"{location}: not a JSON object ({error}): write one {noun} per line") from error
    except RecursionError as error:
        raise UserError(f"{location}: nested too deep: write each {noun} as one flat object") from error
    except ValueError as error:  # Python limits the digits of an integer.
        raise UserError(f"{location}: a number has too many digits: put it in quotes or leave it out") from error
    if not isinstance(row, dict):
        raise UserError(f"{location}: not a JSON object but {type(row).__name__}: write one {noun} per line")
    try:
        _refuse_unpaired_surrogates(row, line, location)
    except RecursionError as error:
        raise UserError(f"{location}: nested too deep: write each {noun} as one flat object") from error
    return row


def _refuse_unpaired_surrogates(row: Row, line: bytes, location: str) -> None:
    # The bytes are valid UTF-8, so an unpaired surrogate can only come from an escape such as \ud800.
    if b"\\ud" not in line.lower():
        return
    try:
        json.dumps(row, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        surrogate = ascii(str(error.object)[error.start]).strip("'")
        raise UserError(
            f"{location}: {surrogate} is half a character: write the whole surrogate pair, or the character itself"
        ) from error
