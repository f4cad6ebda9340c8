"""Standard output and standard error of a command. When nobody reads them any more (`| head`), the command ends without a traceback."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

EXIT_PIPE_CLOSED = 141
"""The exit code if the reader of a pipe is gone: 128 + SIGPIPE, as shells report it for other commands."""


class PipeClosed(BaseException):
    """The reader of standard output or standard error is gone.

    Like a KeyboardInterrupt it is no `Exception`, so that no handler takes it for the failure of a run or of a file. The signal that ends
    other commands at once can't be used: Python would also get it when the other side of a network connection is gone.
    """


class OutputError(OSError):
    """Standard output or standard error can't be written, for another reason: a full disk."""


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
            raise OutputError(error.errno, error.strerror) from None


@contextlib.contextmanager
def guarded_output() -> Iterator[None]:
    """Within the `with` statement, writes to standard output and standard error raise `PipeClosed` if nobody reads them.

    All output is flushed at the end; what can't be written then is dropped, so that Python reports no error of its own when it ends.
    Terminals, and streams that were replaced before, are left as they are.

    Raises:
        PipeClosed: Nobody reads the output.
        OutputError: The output can't be written for another reason, such as a full disk.
    """
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _guarded(streams[0], sys.__stdout__), _guarded(streams[1], sys.__stderr__)
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


def _guarded(stream: TextIO, original: TextIO | None) -> TextIO:
    if stream is not original or not isinstance(stream, io.TextIOWrapper) or stream.isatty():
        return stream
    stream.flush()
    return _text_file(_Descriptor(stream.fileno()), stream.encoding, stream.errors, stream.line_buffering, stream.write_through)


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
