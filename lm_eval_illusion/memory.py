"""Settings of freed memory: kept by this process for its next allocation, or given back to an accelerator for another process."""

from __future__ import annotations

import ctypes
import sys

# Parameters of glibc's mallopt(3): free memory at the end of the heap that is not given back, and the number of blocks mapped one by one.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
MAX_THRESHOLD = 2**31 - 1


def disable_malloc_trim() -> None:
    """Let glibc keep freed memory for this process; without glibc nothing is done.

    Logits and activations on a CPU are blocks of many megabytes, allocated anew in every step. The system would hand out each of them
    page by page, zeroed, which takes a tenth of the time of scoring and decoding.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, MAX_THRESHOLD)


def free_accelerator() -> None:
    """Give unused accelerator memory back, for an engine in another process that measures free memory."""
    import gc

    import torch

    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        gc.collect()
        torch.cuda.empty_cache()
