"""Freed memory stays with the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

COUNT_FAULTS = """
import resource, sys, torch
from lm_eval_illusion.memory import disable_malloc_trim
if sys.argv[1] == "without trim":
    disable_malloc_trim()
hidden, weights = torch.ones(64, 8), torch.ones(300_000, 8)

def step():
    (hidden @ weights.T).log_softmax(-1).argmax(-1)

for _ in range(5):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(setting):
    """Count the pages that the system provides for ten steps, each with two arrays of 77 MB that are freed."""
    done = subprocess.run([sys.executable, "-c", COUNT_FAULTS, setting], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")
def test_freed_memory_is_reused():
    assert page_faults("without trim") < page_faults("with trim") / 10
