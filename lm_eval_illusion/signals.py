"""Ctrl-C, SIGTERM and SIGHUP: each ends a command by an exception, so that temporary files are deleted and the exit code tells why."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
"""The signals that end a command. SIGHUP: its terminal was closed. Windows has no SIGHUP."""
PATIENCE = 10.0
"""Seconds after a signal during which further ones have no effect: temporary files are being deleted."""


class Stopped(KeyboardInterrupt):
    """A signal asked this process to end. Libraries clean up after a KeyboardInterrupt, and no handler takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def exit_code_of(error: KeyboardInterrupt) -> int:
    """Return the exit code that shells report for a process that a signal ended: 128 + its number."""
    return 128 + (error.number if isinstance(error, Stopped) else int(signal.SIGINT))


def reason_of(error: KeyboardInterrupt) -> str:
    """Return in words what ended the command."""
    is_ctrl_c = not isinstance(error, Stopped) or error.number == signal.SIGINT
    return "interrupted" if is_ctrl_c else f"ended by {error}"


@contextmanager
def stop_signals(ends_process: bool = False) -> Iterator[None]:
    """Within the `with` statement, raise `Stopped` in the main thread when one of the signals arrives.

    A signal that is ignored (`nohup`) stays ignored. In another thread nothing is changed. `ends_process`: the process ends after the
    `with` statement. Then the signals have no effect while the functions registered with `atexit` delete temporary files.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler, hook = StopHandler(), sys.unraisablehook
    numbers = [int(getattr(signal, name)) for name in NAMES if hasattr(signal, name)]
    earlier = {number: signal.getsignal(number) for number in numbers}
    changed = {number: before for number, before in earlier.items() if before not in (signal.SIG_IGN, None)}
    sys.unraisablehook = handler.raise_again
    if ends_process:
        # Functions run in the reverse order of their registration: this one when all temporary files are deleted.
        atexit.register(_ignore, list(changed), os.getpid())
    try:
        for number in changed:
            signal.signal(number, handler)
        yield
    finally:
        handler.is_ending = True
        handler.stopped_at = time.monotonic()
        if not ends_process:
            sys.unraisablehook = hook
            for number, before in changed.items():
                signal.signal(number, before)


@contextmanager
def delayed_stop() -> Iterator[None]:
    """Within the `with` statement, delay the exception of `stop_signals` to its end: what is begun there is not left half done."""
    handler = signal.getsignal(signal.SIGTERM)
    if not isinstance(handler, StopHandler):
        yield
        return
    handler.is_delayed = True
    try:
        yield
    finally:
        handler.is_delayed = False
        if handler.delayed is not None:
            number, handler.delayed = handler.delayed, None
            signal.raise_signal(number)


def _ignore(numbers: Sequence[int], process: int) -> None:
    """Ignore the signals from now on: Python forgets its handlers before it ends, and a second Ctrl-C would change the exit code."""
    if os.getpid() == process:  # not in a forked process
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)


class StopHandler:
    """The handler of the signals in one process.

    `stopped_at`: when the last exception was raised; `is_ending`: after the command; `delayed`: the signal that came while `is_delayed`.
    """

    def __init__(self) -> None:
        self.process = os.getpid()
        self.stopped_at: float | None = None
        self.is_ending = False
        self.is_delayed = False
        self.delayed: int | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Raise `Stopped`, unless the process is ending anyway."""
        if os.getpid() != self.process:
            # A process forked by a library, which ends as if this handler were not there.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
            return
        if self.is_delayed:
            self.delayed = number
            return
        now = time.monotonic()
        if self.stopped_at is not None and now < self.stopped_at + PATIENCE:
            return
        self.stopped_at = now
        if self.is_ending:
            os._exit(128 + number)
        raise Stopped(number)

    def raise_again(self, unraisable: Any) -> None:
        """Repeat a signal whose exception Python dropped, because it was raised where none can be: in a finaliser or a callback."""
        error = unraisable.exc_value
        if not isinstance(error, Stopped):
            sys.__unraisablehook__(unraisable)
        elif not self.is_ending:
            self.stopped_at = None
            # From another thread, because an exception here would be dropped, too.
            timer = threading.Timer(0.05, os.kill, (self.process, error.number))
            timer.daemon = True
            timer.start()
