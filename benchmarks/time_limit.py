"""The time limit for one case of a fuzzing program."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class HangError(BaseException):
    """A case takes too long. It is no `Exception`, so that what is tried can't take it for an error of a file."""


@contextmanager
def time_limit(seconds: float, *, of_processor: bool = False) -> Iterator[None]:
    """Raise `HangError` after so many seconds of real time, or of processor time, in the main thread.

    The limit of real time uses the signal of `lm_eval_illusion.limits`; within one of its limits it does not hold.
    """
    number, timer = (signal.SIGPROF, signal.ITIMER_PROF) if of_processor else (signal.SIGALRM, signal.ITIMER_REAL)

    def stop(*_: object) -> None:
        raise HangError

    before = signal.signal(number, stop)
    signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        signal.setitimer(timer, 0)
        signal.signal(number, before)
