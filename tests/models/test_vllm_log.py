"""What vLLM's processes print, and the cause in it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from lm_eval_illusion.models import vllm_log
from lm_eval_illusion.models.vllm_log import EngineLog

# As vLLM 0.32 for CPUs printed it: a worker that failed, the engine that waited for it.
PRINTED = """\
(EngineCore pid=12) INFO 11-26 21:01:11 [core.py:1] Initializing a V1 LLM engine
(Worker pid=13) WARNING 11-26 21:01:12 [cpu_worker.py:2] No core is reserved
Loading safetensors checkpoint shards: 100% Completed
(Worker pid=13) ERROR 11-26 21:01:13 [multiproc_executor.py:3] WorkerProc hit an exception.
(Worker pid=13) ERROR 11-26 21:01:13 [multiproc_executor.py:3] Traceback (most recent call last):
(Worker pid=13) ERROR 11-26 21:01:13 [multiproc_executor.py:3]   File "gpu_model_runner.py", line 3502, in _bookkeeping_sync
(Worker pid=13) ERROR 11-26 21:01:13 [multiproc_executor.py:3]     gen.set_offset(gen.get_offset() - 4)
(Worker pid=13) ERROR 11-26 21:01:13 [multiproc_executor.py:3] RuntimeError: CPU Generator does not use offset
(EngineCore pid=12) Process EngineCore:
(EngineCore pid=12) Traceback (most recent call last):
(EngineCore pid=12)   File "core.py", line 1, in run
(EngineCore pid=12) vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue.
(EngineCore pid=12) ValueError: a later one
(EngineCore pid=12) INFO 11-26 21:01:14 [core.py:1] Shutting down
"""


def shown(log):
    return [line for line in PRINTED.splitlines(keepends=True) if log.shows(line)]


def test_log_lines_are_passed_on_and_tracebacks_are_not():
    log = EngineLog()
    lines = shown(log)
    assert [line.split(") ")[-1][:12] for line in lines] == [
        "INFO 11-26 2",
        "WARNING 11-2",
        "Loading safe",
        "INFO 11-26 2",
    ]
    assert log.cause == "RuntimeError: CPU Generator does not use offset"


def test_an_engine_that_does_not_fail_has_no_cause():
    log = EngineLog()
    assert log.shows("(Worker pid=1) ERROR 11-26 21:01:13 [a.py:3] something odd\n") is False
    assert log.shows("ValueError: is no exception outside of a traceback\n") is True
    assert log.cause is None


def test_everything_is_passed_on_if_asked_for():
    log = EngineLog(shows_all=True)
    assert shown(log) == PRINTED.splitlines(keepends=True)
    assert log.cause == "RuntimeError: CPU Generator does not use offset"


def test_the_output_of_new_processes_is_read_until_they_end(capfd):
    log = EngineLog()
    code = "import sys, time; time.sleep(0.2); print('a line'); sys.stderr.write('Traceback (most recent call last):\\nKeyError: 1\\n')"
    with log.of_new_processes():
        process = subprocess.Popen([sys.executable, "-S", "-c", code])
        os.write(1, b"of this process\n")
    os.write(1, b"after it\n")
    process.wait()
    log.wait()
    out, err = capfd.readouterr()
    assert out == "after it\n"
    assert sorted(err.splitlines()) == ["a line", "of this process"]
    assert log.cause == "KeyError: 1"


@pytest.mark.parametrize(("cause", "have_ended"), [(None, True), ("KeyError: 1", False)])
def test_a_process_that_lives_on_is_not_waited_for(monkeypatch, cause, have_ended):
    # The output of vLLM's processes is also that of the one with which Python tracks shared memory.
    monkeypatch.setattr(vllm_log, "SECONDS_OF_SILENCE", 0.2)
    log = EngineLog()
    traceback = "Traceback (most recent call last):\\n" + (cause or "EngineDeadError: see above")
    with log.of_new_processes():
        process = subprocess.Popen(["sh", "-c", f"printf '{traceback}\\n' >&2; exec sleep 60"], stdin=subprocess.DEVNULL)
    begin = time.monotonic()
    log.wait(lambda: have_ended)
    waited = time.monotonic() - begin
    process.kill()
    process.wait()
    assert log.cause == cause
    assert waited < vllm_log.SECONDS_TO_END / 2


def test_processes_that_do_not_end_are_waited_for_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(vllm_log, "SECONDS_OF_SILENCE", 0.01)
    monkeypatch.setattr(vllm_log, "SECONDS_TO_END", 0.3)
    log = EngineLog()
    with log.of_new_processes():
        process = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL)
    begin = time.monotonic()
    log.wait(lambda: False)
    waited = time.monotonic() - begin
    process.kill()
    process.wait()
    assert waited > 0.3


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("None", "a worker process was ended, as the system does where memory runs out"),
        ("-9", "a process was killed by SIGKILL, as the system does where memory runs out"),
    ],
)
def test_a_worker_that_the_system_killed_is_the_cause(code, cause):
    # As vLLM 0.32 logs it; the exceptions of the engine that waited for the worker say less.
    log = EngineLog()
    for line in (
        "(EngineCore pid=12) Traceback (most recent call last):",
        "(EngineCore pid=12) RuntimeError: cancelled",
        "(EngineCore pid=12) ERROR 11-26 21:01:13 [multiproc_executor.py:3] Worker proc VllmWorker-0 died unexpectedly "
        f"(exit code: {code}), shutting down executor.",
        "(EngineCore pid=12) Traceback (most recent call last):",
        "(EngineCore pid=12) RuntimeError: Executor failed.",
    ):
        assert not log.shows(line)
    assert log.cause == cause


def test_a_worker_that_says_why_it_ends_is_the_cause_by_that():
    log = EngineLog()
    for line in (
        "(Worker pid=13) Traceback (most recent call last):",
        "(Worker pid=13) MemoryError: no room",
        "(EngineCore pid=12) ERROR 11-26 21:01:13 [x.py:3] Worker proc VllmWorker-0 died unexpectedly (exit code: -6), shutting down.",
    ):
        log.shows(line)
    assert log.cause == "MemoryError: no room"
