"""The needs of a cell on a Ray cluster: CPUs, GPUs and memory of a node, and folders that every node shares.

Folders: a pruned checkpoint is made once for all nodes under the store's file lock, and a node renames its finished cell into place.
Working folder, output folder and store must therefore be on a network file system. Nothing is copied between nodes.
"""

from __future__ import annotations

import contextlib
import os
import platform
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.settings import default_store
from lm_eval_illusion.sweep.cell_run import UNFINISHED
from lm_eval_illusion.sweep.study import Study

GIB = 1 << 30
# Flags must be below this: larger numbers are mistakes, and infinity and NaN are no amounts.
LARGEST_AMOUNT = 1 << 20


@dataclass(frozen=True)
class CellResources:
    """The cluster, and the resources that each cell reserves on a node.

    `address`: address of the cluster; None starts one on this machine. `gpus`: None is 1 if the cluster has GPUs, otherwise 0.
    `memory`: in GiB; 0 reserves none.
    """

    address: str | None = None
    cpus: float = 1.0
    gpus: float | None = None
    memory: float = 0.0

    def cell_resources(self, cluster: Mapping[str, float]) -> dict[str, float]:
        """Return the resources of one cell by Ray's names, memory in bytes. `cluster`: resources of the whole cluster."""
        gpus = self.gpus if self.gpus is not None else float(cluster.get("GPU", 0) > 0)
        return {"CPU": self.cpus, "GPU": gpus, "memory": int(self.memory * GIB)}


def read_resources(
    engine: str,
    *,
    address: str | None = None,
    cpus_per_cell: float | None = None,
    gpus_per_cell: float | None = None,
    memory_per_cell: float | None = None,
) -> CellResources | None:
    """Check the flags for --engine ray and return the resources; None for the engine `local`. A flag that was not given is None.

    Raises:
        UserError: A number is out of range, or a flag is given that the engine `local` does not use.
    """
    numbers = {"cpus_per_cell": cpus_per_cell, "gpus_per_cell": gpus_per_cell, "memory_per_cell": memory_per_cell}
    if engine == "local":
        for name, value in {"address": address, **numbers}.items():
            if value is not None:
                raise UserError(f"{_flag(name)} needs --engine ray: give both flags or neither")
        return None
    for name, number in numbers.items():
        if number is not None and not 0 <= number < LARGEST_AMOUNT:
            raise UserError(f"{_flag(name)} {number:g} is not in [0, {LARGEST_AMOUNT:,}): give e.g. 1")
    if gpus_per_cell is not None and gpus_per_cell > 1 and gpus_per_cell != int(gpus_per_cell):
        raise UserError(f"--gpus-per-cell {gpus_per_cell:g} is neither a share of one GPU nor a whole number: give 0.5, 1 or 2")
    return CellResources(
        address=address,
        cpus=1.0 if cpus_per_cell is None else cpus_per_cell,
        gpus=gpus_per_cell,
        memory=0.0 if memory_per_cell is None else memory_per_cell,
    )


def missing_resources(required: Mapping[str, float], nodes: Sequence[Mapping[str, float]]) -> str | None:
    """Return a message about the resources that no node has; None if a node has all that are required.

    `required`: resources of a cell; `nodes`: resources of each node; all by Ray's names. It is not enough that each resource is
    available on some node: one node must have all of them.
    """
    if any(all(node.get(name, 0) >= amount for name, amount in required.items()) for node in nodes):
        return None
    for name, amount in required.items():
        most = max((node.get(name, 0) for node in nodes), default=0)
        if most < amount:
            return f"no node has {_amount(name, amount)}: the largest has {_amount(name, most)}"
    return f"no node has {', '.join(_amount(name, amount) for name, amount in required.items() if amount)} together"


def _amount(name: str, amount: float) -> str:
    return f"{amount / GIB:.1f} GiB of memory" if name == "memory" else f"{amount:g} {name}"


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


class SharedFolders(NamedTuple):
    """Folders that every node must share. `folder`: working folder of the sweep; `out`, `store`: absolute paths (or store "off").

    `marks`: files written to `out` and to the store; a node on which these files exist shares the folders.
    """

    folder: str
    out: Path
    store: str
    marks: tuple[str, ...]


def mark_folders(out: Path, study: Study) -> SharedFolders:
    """Write a mark to `out` and to the store. A folder that can't be written gets no mark, and the cells report the error."""
    setting = study.model_args.get("store") or default_store()
    store = setting if setting == "off" else str(Path(setting).expanduser().absolute())
    name = f"seen-{uuid.uuid4().hex[:8]}"
    folders = [out.absolute() / UNFINISHED, *([Path(store) / ".work"] if store != "off" else [])]
    marks = []
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
            marks.append(str(folder / name))
    return SharedFolders(os.getcwd(), out.absolute(), store, tuple(marks))


def missing_folder(shared: SharedFolders) -> str | None:
    """Return a message about the first folder that this machine does not share; None if it shares all."""
    for path in (shared.folder, *shared.marks):
        if not Path(path).exists():
            folder = Path(path).parent.parent if path in shared.marks else path
            return (
                f"{folder} on {platform.node()} is not the folder of that name where the sweep was started: start it in a network folder,"
                " with --out and the store (LM_EVAL_ILLUSION_STORE) in one"
            )
    return None
