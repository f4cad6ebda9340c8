"""Reading of files that anybody may have written: regular files only, up to a size, and every failure is one line."""

from __future__ import annotations

import io
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from lm_eval_illusion.errors import UserError, system_reason

MOST_BYTES = 1 << 30
"""The largest file that is read into memory as a whole: 1 GiB."""
CHUNK_BYTES = 1 << 20
MOST_ENTRIES = 1_000_000
"""Files and folders that are listed below one path: a link may lead to a whole disk."""
REGULAR = "a regular file"


def kind_of(status: os.stat_result) -> str:
    """Return what a path is: `REGULAR`, "a folder", "a link", "a FIFO", "a socket" or "a device"."""
    kinds = {
        stat.S_IFREG: REGULAR,
        stat.S_IFDIR: "a folder",
        stat.S_IFLNK: "a link",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(status.st_mode), "a device")


def is_special(path: Path) -> bool:
    """Return whether a path leads to a FIFO, a socket or a device, which could be waited for without end.

    One that leads nowhere is none: whoever opens it reports that.
    """
    try:
        kind = kind_of(os.stat(path))
    except OSError:
        return False
    return kind not in (REGULAR, "a folder")


@contextmanager
def open_file(path: Path, remedy: str) -> Iterator[BinaryIO]:
    """Open a regular file for reading bytes within the `with` statement.

    A FIFO, a device or a socket is refused before it is opened: it could block for ever, deliver without end, or act on the opening.
    `remedy`: what the user can do, the end of the error message.

    Raises:
        UserError: There is no such file, it is no regular file, it may not be read, or reading fails.
    """
    try:
        _refuse_special(os.stat(path))
        # Another process may replace the file after the check; then the opening at least does not wait.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL character
        raise _unreadable(path, error, remedy) from error
    with open(descriptor, "rb") as file:
        try:
            _refuse_special(os.fstat(descriptor))
            yield file
        except OSError as error:
            raise _unreadable(path, error, remedy) from error


def read_file(path: Path, remedy: str, most_bytes: int = MOST_BYTES) -> bytes:
    """Return the content of a regular file of at most `most_bytes` bytes.

    Raises:
        UserError: As `open_file`, or the file is larger.
    """
    content = io.BytesIO()
    with open_file(path, remedy) as file:
        # `read` allocates all that it is asked for, and the size of a file in /proc is 0.
        while content.tell() <= most_bytes and (chunk := file.read(min(CHUNK_BYTES, most_bytes + 1 - content.tell()))):
            content.write(chunk)
    if content.tell() > most_bytes:
        raise UserError(f"{path} can't be read (it has more than {most_bytes:,} bytes): {remedy}")
    return content.getvalue()


def read_text(path: Path, remedy: str, most_bytes: int = MOST_BYTES) -> str:
    """Return the text of a regular file, UTF-8 with or without a byte order mark.

    Raises:
        UserError: As `read_file`, or the file is not UTF-8.
    """
    return _decoded(read_file(path, remedy, most_bytes), path, remedy)


def read_json(path: Path, remedy: str, most_bytes: int = MOST_BYTES) -> Any:
    """Return the content of a JSON file as Python's parser reads it, which accepts NaN and Infinity.

    Raises:
        UserError: As `read_text`, or the file is not JSON, is nested too deep, or has a number with too many digits.
    """
    return parse_json(read_file(path, remedy, most_bytes), path, remedy)


def parse_json(content: bytes, path: Path, remedy: str) -> Any:
    """Return what the content of the file `path` is as JSON, as `read_json` does.

    Raises:
        UserError: It is not UTF-8 or not JSON, is nested too deep, or has a number with too many digits.
    """
    text = _decoded(content, path, remedy)
    try:
        return json.loads(text)
    except RecursionError as error:
        raise UserError(f"{path} is nested too deep: {remedy}") from error
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error}): {remedy}") from error


def _decoded(content: bytes, path: Path, remedy: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text (byte {error.start + 1}): {remedy}") from error


def _unreadable(path: Path, error: Exception, remedy: str) -> UserError:
    return UserError(f"{path} can't be read ({system_reason(error)}): {remedy}")


def _refuse_special(status: os.stat_result) -> None:
    if (kind := kind_of(status)) != REGULAR:
        raise OSError(f"it is {kind}")
