"""The folders that a cluster's nodes must see as the machine does that started the sweep: where it works, OUT, and the store.

A pruned checkpoint is made once for all nodes, under the store's file lock, and a cell is renamed into place by the node that ran it; both
need a network folder. Nothing is copied between nodes.

What a cell needs of a cluster's nodes. Pure: nodes are given as Ray names their resources.
"""

from __future__ import annotations

import contextlib
import os
import platform
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.settings import default_store
from lm_eval_illusion.sweep.cell_run import UNFINISHED
from lm_eval_illusion.sweep.study import Study

GIB = 1 << 30


@dataclass(frozen=True)
class CellResources:
    """`address`: of the cluster, None to start one on this machine.

    Of each cell: `gpus` (None is one where the cluster has any), `memory` in GiB (0: it is not counted).
    """

    address: str | None = None
    cpus: float = 1.0
    gpus: float | None = None
    memory: float = 0.0

    def of_cell(self, cluster: Mapping[str, float]) -> dict[str, float]:
        """A cell's needs by Ray's names of resources (memory in bytes), given those of the whole cluster."""
        gpus = self.gpus if self.gpus is not None else float(cluster.get("GPU", 0) > 0)
        return {"CPU": self.cpus, "GPU": gpus, "memory": int(self.memory * GIB)}


def read_needs(engine: str, flags: Mapping[str, Any]) -> CellResources | None:
    """The needs that the flags say, by their names (`cpus_per_cell`); None for the engine `local`.

    Raises:
        UserError: a number makes no sense, or a flag is of another engine.
    """
    if engine == "local":
        for name in flags:
            raise UserError(f"--{name.replace('_', '-')} goes with --engine ray: give that, too, or leave it out")
        return None
    for name, number in flags.items():
        # Not a number is in no range.
        if name != "address" and not 0 <= number < 1 << 20:
            raise UserError(f"--{name.replace('_', '-')} {number:g} is not in [0, {1 << 20}): give e.g. 1")
    needs = CellResources(**{name.removesuffix("_per_cell"): value for name, value in flags.items()})
    if needs.gpus is not None and needs.gpus > 1 and needs.gpus != int(needs.gpus):
        raise UserError(f"--gpus-per-cell {needs.gpus:g} is neither a share of one GPU nor a whole number: give 0.5, 1 or 2")
    return needs


def too_much(needs: Mapping[str, float], nodes: Sequence[Mapping[str, float]]) -> str | None:
    """What of a cell's needs no node has all of, and what the largest has; None if one has.

    Each may be had somewhere and still not all on one node: then it says so.
    """
    if any(all(node.get(name, 0) >= amount for name, amount in needs.items()) for node in nodes):
        return None
    for name, amount in needs.items():
        most = max((node.get(name, 0) for node in nodes), default=0)
        if most < amount:
            return f"no node has {_amount(name, amount)}: the largest has {_amount(name, most)}"
    return f"no node has {', '.join(_amount(name, amount) for name, amount in needs.items() if amount)} together"


def _amount(name: str, amount: float) -> str:
    return f"{amount / GIB:.1f} GiB of memory" if name == "memory" else f"{amount:g} {name}"


class Shared(NamedTuple):
    """`folder`: that the sweep works in; `out` and `store` absolute. `marks`: files that whoever sees the same folders sees."""

    folder: str
    out: Path
    store: str
    marks: tuple[str, ...]


def share(out: Path, study: Study) -> Shared:
    """Leave marks in `out` and in the store, if there is one that can be written; where it can't, each pruned cell says so."""
    given = study.model_args.get("store") or default_store()
    store = given if given == "off" else str(Path(given).expanduser().absolute())
    name = f"seen-{uuid.uuid4().hex[:8]}"
    places = [out.absolute() / UNFINISHED, *([Path(store) / ".work"] if store != "off" else [])]
    marks = []
    for place in places:
        with contextlib.suppress(OSError):
            place.mkdir(parents=True, exist_ok=True)
            (place / name).touch()
            marks.append(str(place / name))
    return Shared(os.getcwd(), out.absolute(), store, tuple(marks))


def not_shared(shared: Shared) -> str | None:
    """What this machine does not see, as a line for the user; None if it sees all."""
    for path in (shared.folder, *shared.marks):
        if not Path(path).exists():
            where = Path(path).parent.parent if path in shared.marks else path
            return (
                f"{where} on {platform.node()} is not the folder of that name where the sweep was started: start it in a network folder,"
                " with --out and the store (LM_EVAL_ILLUSION_STORE) in one"
            )
    return None
