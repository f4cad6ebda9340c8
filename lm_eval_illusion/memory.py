"""Freed memory: used again instead of being given back to the system, or given back where another process waits for it."""

from __future__ import annotations

import ctypes
import sys

# Of glibc's mallopt(3): how many blocks may be mapped one by one, and how much free memory at the end of the heap is kept.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
MOST_KEPT = 2**31 - 1


def disable_malloc_trim() -> None:
    """Set it for this process; without glibc nothing is done.

    Logits and activations on a processor are blocks of many megabytes, made anew in every step. The system hands out each of them page by
    page, zeroed: a tenth of the time of scoring and decoding.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, MOST_KEPT)


def free_accelerator() -> None:
    """Give back what pruning left on an accelerator, for an engine of another process that measures what is free."""
    import gc

    import torch

    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        gc.collect()
        torch.cuda.empty_cache()
