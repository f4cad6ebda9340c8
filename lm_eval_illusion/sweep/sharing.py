"""The folders that a cluster's nodes must see as the machine does that started the sweep: where it works, OUT, and the store.

A pruned checkpoint is made once for all nodes, under the store's file lock, and a cell is renamed into place by the node that ran it; both
need a network folder. Nothing is copied between nodes.
"""

from __future__ import annotations

import contextlib
import os
import platform
import uuid
from pathlib import Path
from typing import NamedTuple

from lm_eval_illusion.arguments import default_store
from lm_eval_illusion.sweep.completion import UNFINISHED
from lm_eval_illusion.sweep.study import Study


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
