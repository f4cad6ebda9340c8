"""Cells as tasks of Ray, which places them, and runs them again elsewhere where a node is lost."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.steps import Step
from lm_eval_illusion.sweep.attempts import Outcome, attempt, failure
from lm_eval_illusion.sweep.cells import Cell
from lm_eval_illusion.sweep.cluster import RETRIES, check_nodes, cluster, lost, needs_of_cell
from lm_eval_illusion.sweep.needs import Needs
from lm_eval_illusion.sweep.sharing import Shared, not_shared, share
from lm_eval_illusion.sweep.step_files import read_steps, step_file
from lm_eval_illusion.sweep.study import Study

LOOK_SECONDS = 1


def run_on_ray(
    cells: Sequence[Cell], study: Study, out: Path, needs: Needs, at: Callable[[Mapping[str, Step]], None]
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
