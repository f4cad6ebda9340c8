"""The processes of vLLM's engine: what waits for an answer of one that was killed is told so.

vLLM 0.32 notices that the process of its engine has ended, but tells nobody who waits for an answer at that moment: `LLM.generate` waits
for ever. The system kills processes that way where memory runs out. A process that fails by itself says so before it ends.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any


class EngineProcesses:
    """The processes of the engine of a vLLM `LLM`; none if it runs in this process, or this vLLM keeps them elsewhere."""

    def __init__(self, engine: Any) -> None:
        client = getattr(getattr(engine, "llm_engine", None), "engine_core", None)
        resources = getattr(client, "resources", None)
        manager = getattr(resources, "engine_manager", None)
        self._processes: Sequence[BaseProcess] = tuple(getattr(manager, "processes", ()))
        answers = getattr(client, "outputs_queue", None)
        if self._processes and isinstance(answers, queue.Queue):
            from vllm.v1.engine.exceptions import EngineDeadError

            # Without a reference to the client, which ends its processes when nobody has it any more.
            arguments = (self._processes, resources, answers, EngineDeadError())
            threading.Thread(target=_tell, args=arguments, daemon=True, name="engine-processes").start()

    def have_ended(self) -> bool:
        """Return whether all processes that are known have ended."""
        return all(process.exitcode is not None for process in self._processes)

    def how_killed(self) -> str | None:
        """Return how the system ended a process; None if none was killed."""
        return next(filter(None, (killed_by(process.exitcode) for process in self._processes)), None)


def killed_by(exit_code: int | None) -> str | None:
    """Return how the system ended a process, such as "a process was killed by SIGSEGV"; None if it ended by itself, or lives.

    `exit_code`: of multiprocessing, where that of a killed process is the negative number of the signal.
    """
    if exit_code is None or exit_code >= 0:
        return None
    names = {number.value: number.name for number in signal.Signals}
    reason = ", as the system does where memory runs out" if -exit_code == signal.SIGKILL else ""
    return f"a process was killed by {names.get(-exit_code, f'signal {-exit_code}')}{reason}"


def _tell(processes: Sequence[BaseProcess], resources: Any, answers: queue.Queue[Any], death: Exception) -> None:
    """Wait until a process ends, then give `death` to whoever waits for an answer. After an engine that ended as it should, nobody does."""
    wait([process.sentinel for process in processes])
    # vLLM refuses requests from then on, which would wait, too.
    resources.engine_dead = True
    answers.put(death)
