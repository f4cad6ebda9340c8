"""What waits for an answer of a killed process of vLLM's engine is told so."""

from __future__ import annotations

import os
import queue
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from lm_eval_illusion.models.vllm_processes import EngineProcesses
from tests.models import vllm_stand_in


@contextmanager
def engine(exit_codes):
    """A vLLM `LLM` with living processes, whose sentinels are pipes, and a function that ends the first of them.

    `exit_codes`: those of the processes from then on.
    """
    _, unload = vllm_stand_in.load()
    pipes = [os.pipe() for _ in exit_codes]
    processes = [SimpleNamespace(sentinel=read, exitcode=None) for read, _ in pipes]
    client = SimpleNamespace(
        resources=SimpleNamespace(engine_manager=SimpleNamespace(processes=processes)), outputs_queue=queue.Queue()
    )

    def end():
        for process, code in zip(processes, exit_codes, strict=True):
            process.exitcode = code
        os.close(pipes[0][1])

    try:
        yield SimpleNamespace(llm_engine=SimpleNamespace(engine_core=client)), client.outputs_queue, end
    finally:
        unload()
        for _, write in pipes[1:]:
            os.close(write)
        for read, _ in pipes:
            os.close(read)


def test_who_waits_for_the_answer_of_a_killed_process_gets_the_exception_of_a_dead_engine():
    with engine([-9, None]) as (llm, answers, end):
        processes = EngineProcesses(llm)
        with pytest.raises(queue.Empty):
            answers.get(timeout=0.05)
        assert processes.how_killed() is None
        assert not processes.have_ended()
        end()
        assert type(answers.get(timeout=5)).__name__ == "EngineDeadError"
        # Further requests are refused by vLLM.
        assert llm.llm_engine.engine_core.resources.engine_dead
        assert processes.how_killed() == "a process was killed by SIGKILL, as the system does where memory runs out"


@pytest.mark.parametrize(("code", "how"), [(0, None), (1, None), (-11, "a process was killed by SIGSEGV")])
def test_only_a_signal_kills(code, how):
    with engine([code]) as (llm, answers, end):
        processes = EngineProcesses(llm)
        end()
        answers.get(timeout=5)
        assert processes.have_ended()
        assert processes.how_killed() == how


@pytest.mark.parametrize("llm", [None, SimpleNamespace(llm_engine=SimpleNamespace(engine_core=SimpleNamespace()))])
def test_an_engine_without_processes_of_its_own_is_not_killed(llm):
    assert EngineProcesses(llm).how_killed() is None
