"""Cells as tasks of Ray, which places them, and runs them again elsewhere where a node is lost.

A Ray cluster to run cells on: one of others, or one started here for as long as the sweep runs.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.progress import ProgressEvent
from lm_eval_illusion.sweep.cell_run import Outcome, attempt, failure
from lm_eval_illusion.sweep.grid import Cell
from lm_eval_illusion.sweep.progress import read_steps, step_file
from lm_eval_illusion.sweep.ray_resources import CellResources, Shared, not_shared, share, too_much
from lm_eval_illusion.sweep.study import Study

RETRIES = 3
"""How often Ray runs a cell again whose node or worker was lost."""
OBJECT_STORE_BYTES = 100 << 20  # cells and outcomes are small; Ray would take a third of the memory
CONNECT_SECONDS = 10


@contextmanager
def cluster(address: str | None, log: Path) -> Iterator[Any]:
    """Ray, connected to the cluster at `address`, or to one that is started here and ends with the block.

    What Ray itself prints goes to the file `log`: it prints to standard output, where a sweep may write JSON.

    Raises:
        UserError: Ray is not installed, no cluster answers, or none can be started.
    """
    # Before Ray is imported, which reads them. Else a cell that is always killed for want of memory would be run again for ever.
    os.environ.setdefault("RAY_task_oom_retries", str(RETRIES))
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")  # it holds lines back, and prints them when all is over
    try:
        import ray
    except ImportError as error:
        raise UserError("--engine ray needs Ray: pip install 'lm-eval-illusion[ray]'") from error
    if address is not None:
        _check_answers(address)
    new: dict[str, Any] = {"include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level="error", **({} if address else new))
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise _unreachable(address, error) from error
    with _stdout_into(log):
        try:
            yield ray
        finally:
            ray.shutdown()


def lost(ray: Any, error: Exception) -> str:
    """In a line for the user why a cell has no outcome."""
    times = f"{RETRIES + 1} times"
    if isinstance(error, ray.exceptions.OutOfMemoryError):
        return f"its node ran out of memory {times}: let fewer run at once by --memory-per-cell or --cpus-per-cell"
    if isinstance(error, (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError)):
        return f"its worker or node was lost {times} ({type(error).__name__}): was it killed for want of memory?"
    return f"Ray did not run it ({type(error).__name__}: {' '.join(str(error).split())[-200:]})"


def needs_of_cell(ray: Any, needs: CellResources) -> dict[str, float]:
    """A cell's needs by Ray's names of resources.

    Raises:
        UserError: this machine does not have them. Of a cluster that may grow it is only said.
    """
    wanted = needs.of_cell(ray.cluster_resources())
    said = too_much(wanted, [node["Resources"] for node in ray.nodes() if node["Alive"]])
    if said and needs.address is None:
        raise UserError(f"{said}: give less by --cpus-per-cell, --gpus-per-cell or --memory-per-cell")
    if said:
        print(f"lm-eval-illusion: {said}: waiting until a node joins that has it", file=sys.stderr)
    return wanted


def check_nodes(ray: Any, shared: Shared) -> None:
    """Ask each node whether it sees our folders: one that doesn't would fail one cell after the other in no time.

    Raises:
        UserError: one doesn't, or can't run what is ours.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    look, asked = ray.remote(not_shared), {}
    for node in ray.nodes():
        if node["Alive"]:
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            reference = look.options(num_cpus=0, max_retries=0, scheduling_strategy=there).remote(shared)
            asked[reference] = node["NodeManagerAddress"]
    for reference, where in asked.items():
        try:
            missing = ray.get(reference)
        except ray.exceptions.RayError as error:
            reason = " ".join(str(error).split())[-200:]
            raise UserError(f"node {where} can't run a cell ({reason}): install lm-eval-illusion there, too") from error
        if missing:
            raise UserError(f"node {where}: {missing}")


@contextmanager
def _stdout_into(log: Path) -> Iterator[None]:
    try:
        log.parent.mkdir(exist_ok=True)
        file = log.open("a", buffering=1, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{log} can't be written ({error.strerror}): make room, or give another --out") from error
    try:
        with redirect_stdout(file):
            yield
    finally:
        with suppress(OSError):  # the disk got full: what Ray printed is no loss
            file.close()


def _check_answers(address: str) -> None:
    """Ray itself tries for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return  # Ray's own words, like auto
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _unreachable(address, error) from error


def _unreachable(address: str | None, error: Exception) -> UserError:
    reason = " ".join(str(error).split())[:200]
    if address is None:
        return UserError(f"Ray does not start on this machine ({reason}): mend that, or leave --engine ray out")
    return UserError(f"--address {address}: no Ray cluster answers there ({reason}): start one by `ray start --head`")


LOOK_SECONDS = 1


def run_on_ray(
    cells: Sequence[Cell], study: Study, out: Path, needs: CellResources, at: Callable[[Mapping[str, ProgressEvent]], None]
) -> Iterator[Outcome]:
    """What the cells came to, each as soon as it ended; `at` is told every second what runs.

    Raises:
        UserError: Ray is not installed, no cluster answers, this machine can't give what a cell needs, or a node doesn't see our folders.
    """
    with cluster(needs.address, out / "logs" / "ray.txt") as ray:
        wanted, shared = needs_of_cell(ray, needs), share(out, study)
        if needs.address is not None:
            check_nodes(ray, shared)
        task = ray.remote(_attempt_here)
        options = {"max_retries": RETRIES, "scheduling_strategy": "SPREAD", **_as_options(wanted)}
        running = {task.options(name=cell.name, **options).remote(cell, study, shared): cell for cell in cells}
        while running:
            for reference in ray.wait(list(running), timeout=LOOK_SECONDS)[0]:
                yield _outcome(ray, reference, running.pop(reference))
            at(read_steps(running.values(), out))


def _as_options(wanted: Mapping[str, float]) -> dict[str, Any]:
    return {"num_cpus": wanted["CPU"], "num_gpus": wanted["GPU"], "memory": wanted["memory"] or None}


def _attempt_here(cell: Cell, study: Study, shared: Shared) -> Outcome:
    """Run on a node, by a worker process of Ray."""
    missing = not_shared(shared)
    if missing:  # of a node that joined later
        return failure(cell, UserError(missing))
    # Models, recipes and files of items may be named relative to it.
    os.chdir(shared.folder)
    os.environ["LM_EVAL_ILLUSION_STORE"] = shared.store
    with step_file(cell, shared.out) as watcher:
        return attempt(cell, study, shared.out, watcher)


def _outcome(ray: Any, reference: Any, cell: Cell) -> Outcome:
    try:
        outcome: Outcome = ray.get(reference)
    except ray.exceptions.LocalRayletDiedError as error:
        # No cell's fault: none is given up.
        raise UserError("Ray itself was lost on this machine: run the same command again, what is done stays") from error
    except ray.exceptions.RayError as error:
        return replace(failure(cell, error), reason=lost(ray, error))
    return outcome
