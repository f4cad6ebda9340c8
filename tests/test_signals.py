"""Ctrl-C, SIGTERM and SIGHUP: exit codes as shells report them, one line, and no temporary folder stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from lm_eval_illusion import signals
from lm_eval_illusion.cli import execution, main
from lm_eval_illusion.files import new_folder
from lm_eval_illusion.signals import Stopped, stop_signals

CODES = {"SIGINT": (130, "interrupted"), "SIGTERM": (143, "ended by SIGTERM"), "SIGHUP": (129, "ended by SIGHUP")}


def raise_here(name):
    signal.raise_signal(getattr(signal, name))


@pytest.mark.parametrize("name", CODES)
def test_a_signal_deletes_what_is_unfinished_and_sets_the_exit_code(name, tmp_path, monkeypatch, capsys):
    def work(_):
        with new_folder(tmp_path / "out") as folder:
            folder.mkdir()
            assert len(list(tmp_path.glob(".unfinished-*"))) == 1
            raise_here(name)

    monkeypatch.setattr(execution, "_run", work)
    code, reason = CODES[name]
    # Under `nohup` the tests ignore SIGHUP, and so would the command.
    before = signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        assert main([]) == code
    finally:
        signal.signal(getattr(signal, name), before)
    assert capsys.readouterr().err == f"lm-eval-illusion: {reason}\n"
    assert list(tmp_path.iterdir()) == []
    # The handlers of the caller are back.
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def interrupted_cleaning(*more):
    """What `more` signals during the cleaning after Ctrl-C leave of it: the number of the signal that ended it, and whether it ended."""
    cleaned = []

    def work():
        try:
            raise_here("SIGINT")
        finally:
            for name in more:
                raise_here(name)
            cleaned.append(True)

    with pytest.raises(Stopped) as caught, stop_signals():
        work()
    return caught.value.number, bool(cleaned)


def test_a_second_signal_does_not_stop_the_cleaning():
    assert interrupted_cleaning("SIGINT", "SIGTERM") == (signal.SIGINT, True)


def test_a_delayed_signal_counts_at_the_end():
    done = []

    def work():
        raise_here("SIGTERM")
        done.append("all")

    with pytest.raises(Stopped, match="SIGTERM"), stop_signals(), signals.delayed_stop():
        work()
    assert done == ["all"]
    # Without a signal, and without the handler, nothing happens.
    with stop_signals(), signals.delayed_stop():
        pass
    with signals.delayed_stop():
        pass


def test_after_the_patience_a_signal_counts_again(monkeypatch):
    monkeypatch.setattr(signals, "PATIENCE", 0.0)
    assert interrupted_cleaning("SIGTERM") == (signal.SIGTERM, False)


def test_a_signal_in_a_finaliser_is_not_lost():
    class Dropped:
        def __del__(self):
            raise_here("SIGTERM")

    def work():
        Dropped()
        time.sleep(5)

    with pytest.raises(Stopped), stop_signals():
        work()


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
    try:
        with stop_signals():
            raise_here("SIGHUP")
    finally:
        signal.signal(signal.SIGHUP, before)


PROCESS = """
import atexit, os, pathlib, signal, sys, time
from lm_eval_illusion.cli import execution, main
def work(_):
    atexit.register(clean)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
def clean():
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    pathlib.Path(sys.argv[1]).touch()
execution._run = work
sys.exit(main())
"""


def test_signals_while_the_process_ends_change_nothing(tmp_path):
    done = subprocess.run([sys.executable, "-c", PROCESS, str(tmp_path / "cleaned")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (143, "lm-eval-illusion: ended by SIGTERM\n")
    assert (tmp_path / "cleaned").exists()


def test_a_forked_process_ends_as_usual():
    with stop_signals():
        child = os.fork()
        if not child:
            raise_here("SIGTERM")
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
