"""A limit of time for an operation of Python on what another person wrote: a chat template, a regular expression."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lm_eval_illusion.errors import UserError


@contextmanager
def time_limit(seconds: float, message: str) -> Iterator[None]:
    """End the `with` statement after some seconds of real time.

    There is a limit only in the main thread of a system with signals, and none for a single operation in which Python does not look for
    signals, such as a power of large numbers. Matching a regular expression does.

    Raises:
        UserError: The time is over; `message` is the text.
    """
    if threading.current_thread() is not threading.main_thread() or sys.platform == "win32":
        yield
        return

    def end(_: int, frame: FrameType | None) -> None:
        raise UserError(message)

    before = signal.signal(signal.SIGALRM, end)
    rest, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, rest, interval)
        signal.signal(signal.SIGALRM, before)
