"""Standard output and standard error of a command. If they can't be written (`| head`, a full disk), it ends without a traceback."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO, TypeGuard

from lm_eval_illusion.errors import system_reason

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

EXIT_PIPE_CLOSED = 141
"""The exit code if the reader of a pipe is gone: 128 + SIGPIPE, as shells report it for other commands."""
EXIT_NOT_WRITABLE = 2
"""The exit code if the output can't be written for another reason."""
ESCAPES = "backslashreplace"
"""The error handler: a character that the encoding lacks, and half a character of a file's name, is written as an escape."""


class OutputLost(BaseException):
    """Standard output or standard error can't be written. `exit_code`: how the command ends.

    Like a KeyboardInterrupt it is no `Exception`, so that no handler takes it for the failure of a run or of a file.
    """

    exit_code = EXIT_NOT_WRITABLE


class PipeClosed(OutputLost):
    """The reader of standard output or standard error is gone.

    The signal that ends other commands at once can't be used: Python would also get it when the other side of a network connection is
    gone.
    """

    exit_code = EXIT_PIPE_CLOSED


class OutputError(OutputLost):
    """Standard output or standard error can't be written, for another reason: a full disk, a closed descriptor. Its text is the reason."""


class _Descriptor(io.FileIO):
    """A file descriptor for writing, whose errors can be told from those of other files.

    `closes`: whether the descriptor is closed with this object. `raises`: whether an error is raised; if not, the data is dropped.
    """

    def __init__(self, descriptor: int, closes: bool = False) -> None:
        super().__init__(descriptor, "w", closefd=closes)
        self.raises = True

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if not self.raises:
                return memoryview(data).nbytes
            if isinstance(error, BrokenPipeError):
                raise PipeClosed from None
            raise OutputError(system_reason(error)) from None


@contextlib.contextmanager
def guarded_output() -> Iterator[None]:
    """Within the `with` statement, writes to standard output and standard error raise `OutputLost` if they are impossible.

    All output is flushed at the end; what can't be written then is dropped, so that Python reports no error of its own when it ends.
    Errors of a terminal stay as they are. Streams that were replaced before are left alone. Standard output that was closed at the start
    can't be written; what goes to a closed standard error is dropped.

    Raises:
        PipeClosed: Nobody reads the output.
        OutputError: The output can't be written for another reason, such as a full disk.
    """
    _occupy_closed_descriptors()
    streams = sys.stdout, sys.stderr
    terminals = [(stream, stream.errors) for stream in streams if _is_original(stream) and stream.isatty()]
    sys.stdout = _guarded(streams[0], os.O_RDONLY)
    sys.stderr = _guarded(streams[1], os.O_WRONLY)
    guarded = [stream for stream, before in zip((sys.stdout, sys.stderr), streams, strict=True) if stream is not before]
    try:
        yield
        _flush(guarded)
    except SystemExit:  # --help, and lm_eval
        _flush(guarded)
        raise
    finally:
        for stream in guarded:
            _drop(stream)
        sys.stdout, sys.stderr = streams
        for stream, errors in terminals:
            stream.reconfigure(errors=errors)


@contextlib.contextmanager
def exit_code_kept(exit_code: int) -> Iterator[None]:
    """Let the command end with `exit_code`, unless it is 0, if what is written within the `with` statement can't be written.

    Raises:
        OutputLost: The output can't be written.
    """
    try:
        yield
        sys.stdout.flush()
        sys.stderr.flush()
    except OutputLost as error:
        if exit_code:
            error.exit_code = exit_code
        raise


def guarded_copy(descriptor: int) -> TextIO:
    """Return a text file for a copy of a descriptor, with the encoding of standard output. Writes raise as in `guarded_output`."""
    return _text_file(_Descriptor(os.dup(descriptor), closes=True), sys.stdout.encoding, "replace")


def _flush(streams: Iterable[TextIO]) -> None:
    for stream in streams:
        stream.flush()


def _drop(stream: TextIO) -> None:
    """Write what is left in the buffers of a guarded stream; without an error, if that is impossible."""
    descriptor = getattr(stream.buffer, "raw", None)
    if isinstance(descriptor, _Descriptor):
        descriptor.raises = False
    stream.flush()


def _occupy_closed_descriptors() -> None:
    """Open the null device for each standard descriptor that is closed. Otherwise the next file that is opened would get its number."""
    # Python opens at the lowest free number, so this order gives each descriptor its own. Standard output is opened for reading, so that
    # writing fails, also in libraries that use the descriptor.
    for descriptor, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        if not _is_open(descriptor):
            os.set_inheritable(os.open(os.devnull, mode), True)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _is_original(stream: TextIO | None) -> TypeGuard[io.TextIOWrapper]:
    """Return whether it is a stream that Python made at its start."""
    return isinstance(stream, io.TextIOWrapper) and stream in (sys.__stdout__, sys.__stderr__)


def _guarded(stream: TextIO | None, mode_if_closed: int) -> TextIO:
    if stream is None:
        return _text_file(_Descriptor(os.open(os.devnull, mode_if_closed), closes=True), "utf-8", ESCAPES)
    if not _is_original(stream):
        return stream
    stream.flush()
    if stream.isatty():
        stream.reconfigure(errors=ESCAPES)
        return stream
    return _text_file(_Descriptor(stream.fileno()), stream.encoding, ESCAPES, stream.line_buffering, stream.write_through)


def _text_file(
    descriptor: _Descriptor, encoding: str, errors: str | None, line_buffering: bool = False, write_through: bool = False
) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(descriptor),
        encoding=encoding,
        errors=errors,
        line_buffering=line_buffering,
        write_through=write_through,
    )
