"""Freed memory stays with the process."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from lm_eval_illusion.memory import paused_collector

COUNT_FAULTS = """
import resource, sys, torch
from lm_eval_illusion.memory import disable_malloc_trim
hidden, weights = torch.ones(64, 8), torch.ones(300_000, 8)

def step():
    (hidden @ weights.T).log_softmax(-1).argmax(-1)

def page_faults():
    for _ in range(5):
        step()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        step()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

with_trim = page_faults()
disable_malloc_trim()
print(with_trim, page_faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")
def test_freed_memory_is_reused():
    # The pages that the system provides for five steps, each with two arrays of 77 MB that are freed.
    done = subprocess.run([sys.executable, "-c", COUNT_FAULTS], capture_output=True, text=True, check=True)
    with_trim, without_trim = map(int, done.stdout.split())
    assert without_trim < with_trim / 10


def fails_while_paused():
    with paused_collector():
        assert not gc.isenabled()
        raise KeyError


def test_the_collector_is_paused_and_goes_on():
    assert gc.isenabled()
    with pytest.raises(KeyError):
        fails_while_paused()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with paused_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
