"""Each limit ends or refuses what exceeds it and nothing else; the limit of time gives back the timer that was there."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.limits import time_limit


def test_a_regular_expression_that_never_ends_is_ended():
    # Each of 2 ** 39 ways to cut the name into parts is tried.
    with pytest.raises(UserError, match="too long"), time_limit(0.05, "too long"):
        re.match("(.+)+x$", "model.layers.0.self_attn.q_proj.weight.")


def test_a_timer_and_a_handler_that_were_there_are_there_afterwards():
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 100)
    try:
        with time_limit(5, "too long"):
            pass
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN
        assert 90 < signal.getitimer(signal.ITIMER_REAL)[0] <= 100
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_another_thread_has_no_limit_and_no_error():
    ran: list[int] = []

    def run():
        with time_limit(5, "too long"):
            ran.append(1)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert ran == [1]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems lack some of the limits")
def test_a_process_that_limits_itself_gets_no_more_memory_files_or_time(tmp_path):
    code = f"""
import resource
from lm_eval_illusion.limits import *
before = address_space()
limit_memory(before + (64 << 20))
within = bytearray(16 << 20)
assert address_space() - before >= 16 << 20
try:
    bytearray(80 << 20)
except MemoryError:
    print("memory", flush=True)
forbid_files_and_processes()
try:
    open({str(tmp_path / "file")!r}, "wb", 0).write(b"x")
except OSError as error:
    print(error.strerror, flush=True)
limit_memory(1 << 40)
assert resource.getrlimit(resource.RLIMIT_AS)[1] == before + (64 << 20)
limit_computing(1)
while True:
    pass
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stdout.splitlines() == ["memory", "File too large"], result.stderr
    assert result.returncode in (-signal.SIGXCPU, -signal.SIGKILL)
