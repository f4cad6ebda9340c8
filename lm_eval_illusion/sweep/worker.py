"""The local engine: a process of its own runs the cells one after the other, so that a crash is one failed cell and not the end of a sweep.

The process starts with the first cell, which pays for the imports, and is replaced if it dies: killed by the kernel for lack of memory,
or crashed in native code. It only evaluates. The sweep's own process records the cells. The two exchange pickled objects through a pipe
that no other process has open; nothing is unpickled that comes from a file.
"""

from __future__ import annotations

import atexit
import io
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from lm_eval_illusion.progress import ProgressEvent, ProgressListener, notify
from lm_eval_illusion.signals import StopHandler, delayed_stop
from lm_eval_illusion.sweep.cell_run import CellResult, complete, evaluate_cell, failed_result, log_file, output_to_log
from lm_eval_illusion.sweep.grid import Cell
from lm_eval_illusion.sweep.study import Study

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

CONTEXT = multiprocessing.get_context("spawn")
"""How the process is started: as a new Python, because a forked one must not use torch if this process has used it."""
STOP_SECONDS = 10.0
"""How long a process may take to delete its temporary files when it is stopped, before it is killed."""


class _Job(NamedTuple):
    """A cell to evaluate into `folder`. `log`: file for standard output and error meanwhile."""

    cell: Cell
    study: Study
    folder: Path
    log: Path


class _Evaluated(NamedTuple):
    """The end of a job. `failure`: the failed result; None if the cell's files are written."""

    failure: CellResult | None


class _CellError(Exception):
    """The evaluation failed in the process, or the process died; `result` is the result of the cell."""

    def __init__(self, result: CellResult) -> None:
        super().__init__(result.reason)
        self.result = result


class Worker:
    """A process that evaluates cells one after the other. It is started when it is needed; `close` ends it."""

    def __init__(self) -> None:
        self._running: tuple[BaseProcess, Connection] | None = None

    def run_cell(self, cell: Cell, study: Study, out: Path, listener: ProgressListener) -> CellResult:
        """Run a cell in the process, record it here, and return its result. `listener` gets progress events.

        Any error becomes part of the result, so that the sweep continues with other cells. After Ctrl-C the process is stopped.
        """
        try:
            record = complete(
                cell, out, lambda folder: self._evaluate(_Job(cell, study, folder, log_file(cell, out)), listener)
            )
        except _CellError as error:
            return error.result
        except (Exception, SystemExit) as error:
            return failed_result(cell, error)
        return CellResult(cell, record)

    def close(self) -> None:
        """End the process, which evaluates nothing now."""
        if self._running is None:
            return
        with suppress(OSError):  # it is dead
            self._running[1].send(None)
        self._wait_for_end()

    def _interrupt(self) -> None:
        """End the process, which evaluates a cell or is dead."""
        if self._running is not None:
            self._running[0].terminate()
            self._wait_for_end()

    def _wait_for_end(self) -> None:
        if self._running is None:
            return
        process, connection = self._running
        process.join(STOP_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
        connection.close()
        self._running = None

    def _evaluate(self, job: _Job, listener: ProgressListener) -> None:
        """Let the process evaluate the job; return when the files are written.

        Raises:
            _CellError: The evaluation failed, or the process died.
        """
        try:
            process, connection = self._start()
            try:
                failure = _exchange(process, connection, job, listener)
            except EOFError as error:
                process.join()
                reason = end_of_process(process.exitcode)
                self._interrupt()
                raise _CellError(CellResult(job.cell, None, reason, f"{reason}\nOutput of the cell: {job.log}\n")) from error
        except BaseException:
            # Before the caller deletes the folder of the cell.
            self._interrupt()
            raise
        if failure is not None:
            raise _CellError(failure)

    def _start(self) -> tuple[BaseProcess, Connection]:
        """Return the running process and the connection to it; start one if there is none."""
        if self._running is not None and not self._running[0].is_alive():
            self._interrupt()
        if self._running is None:
            connection, its_end = CONTEXT.Pipe()
            process = CONTEXT.Process(target=_evaluate_jobs, args=(its_end,))
            # A signal between the start and the assignment would leave a process that nobody ends, for which Python waits for ever.
            with delayed_stop(), _interrupts_blocked():
                process.start()
                self._running = process, connection
            its_end.close()
        return self._running


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Delay Ctrl-C and SIGHUP within the `with` statement. A process started there never gets them, also not during its imports."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _exchange(process: BaseProcess, connection: Connection, job: _Job, listener: ProgressListener) -> CellResult | None:
    """Send a job, pass its progress to `listener`, and return its failed result; None if the files are written.

    Raises:
        EOFError: The process died.
    """
    try:
        connection.send(job)
    except OSError as error:
        raise EOFError from error
    while True:
        message = _receive(process, connection)
        if isinstance(message, _Evaluated):
            return message.failure
        listener(message)


def _receive(process: BaseProcess, connection: Connection) -> _Evaluated | ProgressEvent:
    if connection not in wait([connection, process.sentinel]):
        raise EOFError
    try:
        message: _Evaluated | ProgressEvent = connection.recv()
    except OSError as error:  # it died within a message
        raise EOFError from error
    return message


def end_of_process(code: int | None) -> str:
    """Return in words how a process with this exit code ended, -n after signal n."""
    if code is None or code >= 0:
        return f"its process ended with exit code {code}"
    if -code == signal.SIGKILL:
        return f"killed by signal {-code}: out of memory? give a smaller batch_size or max_batch_tokens"
    return f"killed by signal {-code} ({signal.strsignal(-code)})"


def _evaluate_jobs(connection: Connection) -> None:
    """Evaluate each job that arrives and send its progress and its end; None ends the process, in which this runs."""
    sys.stdout, sys.stderr = _lossy_output(1), _lossy_output(2)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Functions registered with `atexit` delete temporary checkpoints, so the process must end as usual.
    with suppress(EOFError, OSError, KeyboardInterrupt):
        # Ctrl-C and SIGHUP are blocked here. The sweep gets them, and stops this process by SIGTERM. A second SIGTERM, to all processes
        # of the sweep, must not stop it from deleting its temporary files.
        handler = StopHandler()
        sys.unraisablehook = handler.raise_again
        signal.signal(signal.SIGTERM, handler)
        while (job := connection.recv()) is not None:
            connection.send(_Evaluated(_evaluate(job, connection.send)))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


class _LossyDescriptor(io.FileIO):
    """A file descriptor for writing that drops what can't be written.

    While a cell runs, it leads to the log of the cell. If its disk is full, the progress bar of a library would otherwise raise an error
    in the midst of whatever the library does, such as loading the model, which would be blamed for it.
    """

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def _lossy_output(descriptor: int) -> TextIO:
    # Escaped as standard error does it: a text may hold half characters.
    file = io.BufferedWriter(_LossyDescriptor(descriptor, "w", closefd=False))
    return io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _evaluate(job: _Job, listener: ProgressListener) -> CellResult | None:
    """Evaluate a job; return the failed result, None if its files are written."""
    try:
        with output_to_log(job.log, 1, 2), notify(listener):
            evaluate_cell(job.cell, job.study, job.folder)
    except (Exception, SystemExit) as error:
        return failed_result(job.cell, error)
    return None


def _end_with_parent() -> None:
    """End this process as soon as the sweep's own process is dead, also after kill -9: nobody would record the cell."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        # As `close` does it: the main thread ends, and the temporary files are deleted.
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_SECONDS)
        # It is in native code, or a library dropped the exception: they are deleted here.
        atexit._run_exitfuncs()
        os._exit(1)
