"""The Ray engine: each cell is a Ray task, which Ray places on a node and repeats on another one if the node is lost."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError, system_reason
from lm_eval_illusion.progress import ProgressEvent
from lm_eval_illusion.sweep.cell_run import CellResult, failed_result, run_cell
from lm_eval_illusion.sweep.grid import Cell
from lm_eval_illusion.sweep.progress import read_steps, step_file
from lm_eval_illusion.sweep.ray_resources import CellResources, SharedFolders, mark_folders, missing_folder, missing_resources
from lm_eval_illusion.sweep.study import Study

RETRIES = 3
"""How many times Ray repeats a cell whose node or worker was lost."""
OBJECT_STORE_BYTES = 100 << 20  # cells and results are small; by default Ray reserves a third of the memory
CONNECT_SECONDS = 10
WAIT_SECONDS = 1
"""The time between two updates of the display."""


def run_on_ray(
    cells: Sequence[Cell],
    study: Study,
    out: Path,
    resources: CellResources,
    at: Callable[[Mapping[str, ProgressEvent]], None],
) -> Iterator[CellResult]:
    """Run the cells on a Ray cluster and yield each result as soon as it is available. Every second, `at` gets the progress by cell name.

    Raises:
        UserError: Ray is not installed, the cluster can't be reached, this machine lacks what a cell needs, or a node does not share our
            folders.
    """
    with ray_cluster(resources.address, out / "logs" / "ray.txt") as ray:
        required, shared = check_resources(ray, resources), mark_folders(out, study)
        if resources.address is not None:
            check_nodes(ray, shared)
        remote = ray.remote(
            num_cpus=required["CPU"],
            num_gpus=required["GPU"],
            memory=required["memory"] or None,
            max_retries=RETRIES,
            scheduling_strategy="SPREAD",
        )
        task = remote(_run_on_node)
        running = {task.options(name=cell.name).remote(cell, study, shared): cell for cell in cells}
        while running:
            for reference in ray.wait(list(running), timeout=WAIT_SECONDS)[0]:
                yield _result(ray, reference, running.pop(reference))
            at(read_steps(running.values(), out))


@contextmanager
def ray_cluster(address: str | None, log: Path) -> Iterator[Any]:
    """Yield the module `ray`, connected to the cluster at `address`, or to one that runs on this machine during the `with` statement.

    Ray's own standard output goes to the file `log`, because a sweep may write JSON to standard output.

    Raises:
        UserError: Ray is not installed, no cluster answers, or none can be started.
    """
    # Ray reads these variables when it is imported. Without the first, Ray would repeat a cell that runs out of memory without end.
    os.environ.setdefault("RAY_task_oom_retries", str(RETRIES))
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")  # otherwise Ray holds lines back and prints them at the very end
    try:
        import ray
    except ImportError as error:
        raise UserError("--engine ray needs Ray: pip install 'lm-eval-illusion[ray]'") from error
    if address is not None:
        _check_address(address)
    try:
        if address is not None:
            ray.init(address=address, log_to_driver=False, logging_level="error")
        else:
            ray.init(
                address="local",
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                log_to_driver=False,
                logging_level="error",
            )
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise _unreachable(address, error) from error
    with _stdout_into(log):
        try:
            yield ray
        finally:
            ray.shutdown()


def check_resources(ray: Any, resources: CellResources) -> dict[str, float]:
    """Return the resources of a cell by Ray's names, after checking that a node has them.

    On a cluster at an address, a node that has them may join later: then a warning is printed.

    Raises:
        UserError: The cluster runs on this machine only, and the machine does not have them.
    """
    required = resources.cell_resources(ray.cluster_resources())
    message = missing_resources(required, [node["Resources"] for node in ray.nodes() if node["Alive"]])
    if message and resources.address is None:
        raise UserError(f"{message}: give less by --cpus-per-cell, --gpus-per-cell or --memory-per-cell")
    if message:
        print(f"lm-eval-illusion: {message}: waiting until a node joins that has it", file=sys.stderr)
    return required


def check_nodes(ray: Any, shared: SharedFolders) -> None:
    """Check on each node that it shares our folders. Otherwise all cells placed there would fail within seconds.

    Raises:
        UserError: A node does not share them, or can't run our package; the node is named.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    check, node_addresses = ray.remote(missing_folder), {}
    for node in ray.nodes():
        if node["Alive"]:
            on_node = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            reference = check.options(num_cpus=0, max_retries=0, scheduling_strategy=on_node).remote(shared)
            node_addresses[reference] = node["NodeManagerAddress"]
    for reference, address in node_addresses.items():
        try:
            message = ray.get(reference)
        except ray.exceptions.RayError as error:
            reason = " ".join(str(error).split())[-200:]
            raise UserError(f"node {address} can't run a cell ({reason}): install lm-eval-illusion there, too") from error
        if message:
            raise UserError(f"node {address}: {message}")


def loss_reason(ray: Any, error: Exception) -> str:
    """Return in one line why Ray has no result for a cell."""
    times = f"{RETRIES + 1} times"
    if isinstance(error, ray.exceptions.OutOfMemoryError):
        return f"its node ran out of memory {times}: run fewer cells at once by --memory-per-cell or --cpus-per-cell"
    if isinstance(error, (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError)):
        return f"its worker or node was lost {times} ({type(error).__name__}): perhaps it was killed for lack of memory"
    return f"Ray did not run it ({type(error).__name__}: {' '.join(str(error).split())[-200:]})"


def _run_on_node(cell: Cell, study: Study, shared: SharedFolders) -> CellResult:
    """Run a cell in a worker process of Ray, in the folders of the sweep."""
    message = missing_folder(shared)
    if message:  # the node joined after `check_nodes`
        return failed_result(cell, UserError(message))
    # Paths of models, recipes and items may be relative to the working folder.
    os.chdir(shared.folder)
    os.environ["LM_EVAL_ILLUSION_STORE"] = shared.store
    with step_file(cell, shared.out) as listener:
        return run_cell(cell, study, shared.out, listener)


def _result(ray: Any, reference: Any, cell: Cell) -> CellResult:
    try:
        result: CellResult = ray.get(reference)
    except ray.exceptions.LocalRayletDiedError as error:
        # Not the fault of a cell, so no cell is recorded as failed.
        raise UserError("Ray itself was lost on this machine: run the same command again, finished cells stay") from error
    except ray.exceptions.RayError as error:
        return replace(failed_result(cell, error), reason=loss_reason(ray, error))
    return result


@contextmanager
def _stdout_into(log: Path) -> Iterator[None]:
    """Within the `with` statement, append standard output to the file `log`."""
    try:
        log.parent.mkdir(exist_ok=True)
        file = log.open("a", buffering=1, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{log} can't be written ({system_reason(error)}): free disk space, or give another --out") from error
    try:
        with redirect_stdout(file):
            yield
    finally:
        with suppress(OSError):  # the disk is full; Ray's output may be lost
            file.close()


def _check_address(address: str) -> None:
    """Try to connect for `CONNECT_SECONDS`; Ray itself would try for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return  # a special value of Ray, such as auto
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _unreachable(address, error) from error


def _unreachable(address: str | None, error: Exception) -> UserError:
    reason = " ".join(str(error).split())[:200]
    if address is None:
        return UserError(f"Ray does not start on this machine ({reason}): correct that, or leave --engine ray out")
    return UserError(f"--address {address}: no Ray cluster answers there ({reason}): start one by `ray start --head`")
