"""Cells as tasks of Ray, which places them, and runs them again elsewhere where a node is lost. Heavy imports are in the functions."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.steps import Step
from lm_eval_illusion.sweep.attempts import Outcome, attempt, failure
from lm_eval_illusion.sweep.cells import Cell
from lm_eval_illusion.sweep.needs import Needs, too_much
from lm_eval_illusion.sweep.sharing import Shared, not_shared, share
from lm_eval_illusion.sweep.step_files import read_steps, step_file
from lm_eval_illusion.sweep.study import Study

RETRIES = 3
"""How often Ray runs a cell again whose node or worker was lost, e.g. for want of memory."""
OBJECT_STORE_BYTES = 100 << 20  # cells and outcomes are small; Ray would take a third of the memory


def run_on_ray(
    cells: Sequence[Cell], study: Study, out: Path, needs: Needs, at: Callable[[Mapping[str, Step]], None]
) -> Iterator[Outcome]:
    """What the cells came to, each as soon as it ended; `at` is told every second what runs.

    Raises:
        UserError: Ray is not installed, no cluster answers, no node can give what a cell needs, or a node doesn't see our folders.
    """
    with _cluster(needs.address) as ray:
        wanted = needs.of_cell(ray.cluster_resources())
        _check_needs(wanted, ray.nodes(), needs.address)
        shared = share(out, study)
        if needs.address is not None:
            _check_nodes(ray, shared)
        task = ray.remote(_attempt_here).options(
            num_cpus=wanted["CPU"],
            num_gpus=wanted["GPU"],
            memory=wanted["memory"] or None,
            max_retries=RETRIES,
            scheduling_strategy="SPREAD",
        )
        running = {task.options(name=cell.name).remote(cell, study, shared): cell for cell in cells}
        while running:
            for reference in ray.wait(list(running), timeout=1)[0]:
                yield _outcome(ray, reference, running.pop(reference))
            at(read_steps(running.values(), out))


def _attempt_here(cell: Cell, study: Study, shared: Shared) -> Outcome:
    """Run on a node, by a worker process of Ray."""
    missing = not_shared(shared)
    if missing:
        return failure(cell, UserError(missing))
    # Models, recipes and files of items may be named relative to it.
    os.chdir(shared.folder)
    os.environ["LM_EVAL_ILLUSION_STORE"] = shared.store
    with step_file(cell, shared.out) as watcher:
        return attempt(cell, study, shared.out, watcher)


def _outcome(ray: Any, reference: Any, cell: Cell) -> Outcome:
    try:
        outcome: Outcome = ray.get(reference)
    except ray.exceptions.RayError as error:
        # Its worker died each time, of want of memory or with its node.
        return failure(cell, error)
    return outcome


@contextmanager
def _cluster(address: str | None) -> Iterator[Any]:
    try:
        # Before it is imported: it reads them then. Without a limit of its own a cell that never fits is run again for ever.
        os.environ.setdefault("RAY_task_oom_retries", str(RETRIES))
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray
    except ImportError as error:
        raise UserError("--engine ray needs Ray: pip install 'lm-eval-illusion[ray]'") from error
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error", "configure_logging": True}
    new: dict[str, Any] = {"include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    try:
        ray.init(address=address or "local", **quiet, **({} if address else new))
    except (ConnectionError, RuntimeError, ValueError, AssertionError, ray.exceptions.RayError) as error:
        where = f"--address {address}: no Ray cluster answers there" if address else "Ray does not start on this machine"
        raise UserError(f"{where} ({' '.join(str(error).split())[:200]}): start one by `ray start --head`") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_needs(wanted: Mapping[str, float], nodes: Sequence[Mapping[str, Any]], address: str | None) -> None:
    said = too_much(wanted, [node["Resources"] for node in nodes if node["Alive"]])
    if said and address is None:
        raise UserError(f"{said}: give less by --cpus-per-cell, --gpus-per-cell or --memory-per-cell")
    if said:
        # A cluster may grow when there is something to do.
        print(f"lm-eval-illusion: {said}: waiting until a node joins that has it", file=sys.stderr)


def _check_nodes(ray: Any, shared: Shared) -> None:
    """Ask each node whether it sees our folders: a node that doesn't would fail one cell after the other in no time."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    look = ray.remote(not_shared).options(num_cpus=0, max_retries=0)
    nodes = {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}
    looks = [
        look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(shared) for node in nodes
    ]
    for where, reference in zip(nodes.values(), looks, strict=True):
        try:
            missing = ray.get(reference)
        except ray.exceptions.RayError as error:
            reason = " ".join(str(error).split())[-200:]
            raise UserError(f"node {where} can't run a cell ({reason}): install lm-eval-illusion there, too") from error
        if missing:
            raise UserError(f"node {where}: {missing}")
