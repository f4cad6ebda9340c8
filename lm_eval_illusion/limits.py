"""Limits for what runs or reads what another person wrote: a chat template, a recipe, a regular expression.

`time_limit` is for a part of this process. The other functions are for a process that is there for one such task: they hold until its
end. Windows has none of these limits.
"""

from __future__ import annotations

import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


def limit_memory(most_bytes: int) -> None:
    """Limit the address space of this process, as far as the system can: more raises MemoryError. macOS may not."""
    _limit("RLIMIT_AS", most_bytes)


def limit_computing(more_seconds: int) -> None:
    """End this process when it has computed for some more seconds; waiting does not count."""
    _limit("RLIMIT_CPU", math.ceil(time.process_time()) + more_seconds)


def forbid_files_and_processes() -> None:
    """Let this process write no bytes to files and, where the system can, start no processes; those of root are not limited."""
    for name in ("RLIMIT_FSIZE", "RLIMIT_CORE", "RLIMIT_NPROC"):
        _limit(name, 0)


def address_space() -> int:
    """Return the bytes of address space that this process has.

    Raises:
        OSError: The system does not tell; Linux does.
    """
    import resource

    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _limit(name: str, value: int) -> None:
    """Set a limit of the system for this process, by the name that Python's module `resource` has for it; a lower one stays."""
    try:
        import resource
    except ImportError:
        return
    if not hasattr(resource, name):
        return
    kind = getattr(resource, name)
    hard = resource.getrlimit(kind)[1]
    # A system may refuse a limit that it does not know (macOS: the address space).
    with suppress(ValueError, OSError):
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (allowed, allowed))
