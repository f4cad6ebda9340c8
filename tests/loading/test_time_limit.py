"""The limit ends an endless operation, leaves a quick one alone, and gives back the timer that was there."""

from __future__ import annotations

import re
import signal
import threading

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.loading.time_limit import time_limit


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
