"""Memory: this process keeps freed CPU memory, returns accelerator memory to the device, asks how much is free, pauses its collector."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

# Parameters of glibc's mallopt(3): the size of free memory at the end of the heap that is not returned to the system, and the largest
# number of allocations that get a memory mapping of their own.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
MAX_THRESHOLD = 2**31 - 1


def disable_malloc_trim() -> None:
    """Let glibc keep freed memory for this process. Without glibc, do nothing.

    Logits and activations on a CPU are arrays of many megabytes, allocated again in every step. The system would provide each of them
    page by page, filled with zeros, which takes a tenth of the time of scoring and decoding.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, MAX_THRESHOLD)


@contextlib.contextmanager
def paused_collector() -> Iterator[None]:
    """Pause Python's search for garbage that refers to itself. With millions of objects that live on, it takes a fifth of the time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def free_accelerator() -> None:
    """Return unused accelerator memory to the device, because an engine in another process measures the free memory."""
    import torch

    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        gc.collect()
        torch.cuda.empty_cache()


def free_memory() -> int:
    """Return the bytes that a process may still take without swapping: MemAvailable of Linux, elsewhere the free pages."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "MemAvailable":
                return int(value.split()[0]) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
