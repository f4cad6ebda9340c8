"""What vLLM's own processes print: their log lines are passed on, their tracebacks are not, and the cause in them is kept.

vLLM runs its engine in processes of its own. Where one fails, each prints the whole traceback, once for every process that waited for it,
and the exception that reaches this process says only that the cause is above. `VLLM_LOGGING_LEVEL=DEBUG` passes everything on.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lm_eval_illusion.models.vllm_processes import killed_by

SECONDS_TO_END = 10.0
"""How long to wait at most for what processes that died have printed."""
SECONDS_OF_SILENCE = 1.0
"""Processes that have ended and print nothing for so long have printed everything."""
_SECONDS_BETWEEN_LOOKS = 0.05

_PREFIX = re.compile(r"^\([^()]* pid=\d+\) ")
"""vLLM begins each line of a process with its name."""
_LOG_LINE = re.compile(r"^(DEBUG|INFO|WARNING|ERROR|CRITICAL) \d\d-\d\d \d\d:\d\d:\d\d \[[^\]]*\] ?")
_EXCEPTION = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt)\b.*)$")
_DIED = re.compile(r"^Worker proc \S+ died unexpectedly \(exit code: (-?\d+|None)\)")
"""What the engine logs of a worker that can't say it itself; None where its exit code is not known yet, as vLLM 0.32 logs it."""
_ENDED = "a worker process was ended, as the system does where memory runs out"
_WITHOUT_CAUSE = (
    *("EngineDeadError", "EngineCore", "SystemExit", "KeyboardInterrupt", "Engine core"),
    *("RuntimeError: cancelled", "RuntimeError: Executor failed"),
)
"""Exceptions of processes that waited for another one."""


class EngineLog:
    """The lines of vLLM's processes: `shows` tells which are passed on, `cause` is the first exception that names a cause, or how
    the system killed a worker."""

    def __init__(self, shows_all: bool = False) -> None:
        self.shows_all = shows_all
        self.cause: str | None = None
        self._in_traceback = False
        self._reader: threading.Thread | None = None
        self._last_line = time.monotonic()

    def shows(self, line: str) -> bool:
        """Take the next line, and return whether it is passed on: log lines below ERROR, and other text outside of tracebacks."""
        text = _PREFIX.sub("", line.rstrip("\r\n"))
        log_line = _LOG_LINE.match(text)
        message = text[log_line.end() :] if log_line else text
        if log_line and log_line[1] not in ("ERROR", "CRITICAL"):
            self._in_traceback = False
            return True
        if message.startswith("Traceback (most recent call last)"):
            self._in_traceback = True
        died = _DIED.match(message)
        if died and self.cause is None:
            self.cause = _ENDED if died[1] == "None" else killed_by(int(died[1]))
        exception = _EXCEPTION.match(message) if self._in_traceback else None
        if exception and self.cause is None and not any(name in exception[1] for name in _WITHOUT_CAUSE):
            self.cause = " ".join(exception[1].split())
        return self.shows_all or not (log_line or self._in_traceback)

    def wait(self, have_ended: Callable[[], bool] = lambda: False) -> None:
        """Wait until the cause is known, or the processes have printed everything, if they end. `have_ended`: whether they did.

        The end of what they print is no sign of it: the process with which Python tracks its shared memory has their output, and lives on.
        """
        begin = time.monotonic()
        while self._reader is not None and self._reader.is_alive() and self.cause is None:
            now = time.monotonic()
            silent = now - max(begin, self._last_line)
            if now - begin > SECONDS_TO_END or (have_ended() and silent > SECONDS_OF_SILENCE):
                return
            self._reader.join(_SECONDS_BETWEEN_LOOKS)

    @contextmanager
    def of_new_processes(self) -> Iterator[None]:
        """Read what processes print that are started within the `with` statement, until they end; pass it on to standard error.

        Within the statement this process prints there, too.
        """
        sys.stdout.flush()
        sys.stderr.flush()
        read, write = os.pipe()
        saved = [os.dup(descriptor) for descriptor in (1, 2)]
        self._reader = threading.Thread(target=self._pass_on, args=(read, os.dup(2)), daemon=True)
        self._reader.start()
        for descriptor in (1, 2):
            os.dup2(write, descriptor)
        os.close(write)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, before in zip((1, 2), saved, strict=True):
                os.dup2(before, descriptor)
                os.close(before)

    def _pass_on(self, read: int, target: int) -> None:
        with os.fdopen(read, "rb") as lines, os.fdopen(target, "wb", buffering=0) as shown:
            for line in lines:
                self._last_line = time.monotonic()
                if self.shows(line.decode(errors="replace")):
                    shown.write(line)


def engine_log() -> EngineLog:
    """Return the log of an engine that is about to start."""
    return EngineLog(shows_all=os.environ.get("VLLM_LOGGING_LEVEL", "").upper() == "DEBUG")
