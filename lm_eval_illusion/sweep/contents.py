"""The contents of what a cell reads: model, tokenizer, recipe, calibration text, items, tasks. A changed input makes a new cell.

Names of files stay the same while their contents change. The hash of each input is therefore part of a cell's request and name.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.files import file_sha256, files_below, packaged_folder
from lm_eval_illusion.pruning.calibration_use import needs_of
from lm_eval_illusion.pruning.hf_checkpoint import base_revision
from lm_eval_illusion.pruning.recipes import recipe_template
from lm_eval_illusion.sweep.grid import Cell, CellRequest

NOT_FOUND = "not found"
"""The content of a model that is neither a folder nor known to the hub. Its cell runs, fails and reports the reason."""

# Arguments that name a model. On the hub, the file whose presence shows the commit differs by kind of model.
_MODEL_ARGUMENTS = ("tokenizer", "peft", "delta")
_HUB_FILES = ("config.json", "adapter_config.json", "tokenizer_config.json")
# Arguments that name folders to write to, and arguments whose contents are found by rules of their own.
_NOT_READ = ("store", "offload_folder", "pretrained", "pruner", "calibration", "revision", *_MODEL_ARGUMENTS)

Hasher = Callable[[str, str, str], str]


def with_contents(cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells with the content of each input in their requests. Each input is hashed once, however many cells read it.

    Raises:
        UserError: An input can't be read.
    """
    hash_once: Hasher = cache(_content)
    return [replace(cell, request=replace(cell.request, inputs=_inputs(cell.request, hash_once))) for cell in cells]


def changed_inputs(now: Mapping[str, str], earlier: Mapping[str, str]) -> list[str]:
    """Return the names of the inputs whose content is not that of an earlier run of the same arguments."""
    return [name for name in {**earlier, **now} if now.get(name) != earlier.get(name)]


def _inputs(request: CellRequest, content: Hasher) -> dict[str, str]:
    return {
        (f"{kind} {name}" if name else kind): content(kind, name, revision)
        for kind, name, revision in _named_inputs(request.model_args, request.tasks, request.metadata)
    }


def _named_inputs(
    model_args: Mapping[str, Any], tasks: Sequence[str], metadata: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    """Yield kind, name and revision of everything that a cell with these arguments reads."""
    revision, pruner = str(model_args.get("revision") or "main"), str(model_args.get("pruner", "wanda"))
    yield "model", str(model_args["pretrained"]), revision
    if pruner != "none":
        yield "recipe", pruner, ""
    if needs_of(pruner).calibration:
        yield "calibration", str(model_args.get("calibration", "embedded")), ""
    for argument in _MODEL_ARGUMENTS:
        if isinstance(value := model_args.get(argument), str):
            yield argument, value, revision if argument == "tokenizer" else "main"
    for argument, value in {**metadata, **model_args}.items():
        if isinstance(value, str) and argument not in _NOT_READ and (argument == "items" or _exists(value)):
            yield argument, value, ""
    for task in tasks:
        yield "tasks", _family_of(task), ""
    yield "lm-eval-illusion", "", ""


def _content(kind: str, name: str, revision: str) -> str:
    """Return the hash, commit or version of an input. `revision`: of a model on the hub.

    Raises:
        UserError: The input can't be read.
    """
    try:
        if kind == "model" or kind in _MODEL_ARGUMENTS:
            return _model_content(kind, name, revision)
        if kind == "recipe":
            return hashlib.sha256(recipe_template(name).encode()).hexdigest()
        if kind == "calibration":
            return _calibration_content(name)
        if kind == "tasks":
            return _tasks_content(name)
        if kind == "lm-eval-illusion":
            return importlib.metadata.version("lm_eval_illusion")
        return _path_hash(Path(name).expanduser())
    except OSError as error:
        raise UserError(f"{kind} {name} can't be read ({error.strerror or error}): give a file or folder that can") from error


def _model_content(kind: str, name: str, revision: str) -> str:
    if kind in ("peft", "delta") and _exists(name):
        return _path_hash(Path(name))
    try:
        return base_revision(name, revision)
    except UserError:
        return _hub_commit(name, revision) or NOT_FOUND


def _hub_commit(name: str, revision: str) -> str | None:
    """Return the commit of an adapter or a tokenizer on the hub or in its cache; None if it is not there."""
    from transformers.utils import cached_file

    for file in _HUB_FILES[1:]:
        try:
            path: Any = cached_file(name, file, revision=revision)
        except (OSError, ValueError):
            continue
        # The hub's cache stores a file at .../snapshots/<commit>/<file>.
        return Path(path).parent.name
    return None


def _calibration_content(calibration: str) -> str:
    if calibration.startswith("hub:"):
        return calibration  # its content is not known before it is downloaded
    if calibration == "embedded":
        return _path_hash(_tasks_folder() / "mqa_illusion" / "held_out")
    return _path_hash(Path(calibration).expanduser())


def _tasks_content(family: str) -> str:
    """Return the hash of one of our families, or the version of lm_eval, to which all other tasks belong."""
    return _path_hash(_tasks_folder() / family) if family != "lm_eval" else importlib.metadata.version("lm_eval")


def _family_of(task: str) -> str:
    """Return the family of one of our tasks or groups; "lm_eval" for other tasks."""
    families = [folder.name for folder in _tasks_folder().iterdir() if (folder / "family.yaml").is_file()]
    return max((name for name in families if f"{task}_".startswith(f"{name}_")), key=len, default="lm_eval")


def _tasks_folder() -> Path:
    return packaged_folder("lm_eval_illusion.tasks")


def _exists(path: str) -> bool:
    try:
        return Path(path).expanduser().exists()
    except (OSError, ValueError, RuntimeError):  # a text that can be no path: too long, a NUL character, an unknown user
        return False


def _path_hash(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and contents of the files below a folder, without Python's own caches."""
    if not path.is_dir():
        return file_sha256(path)
    files = {name: file_sha256(file) for name, file in files_below(path).items() if "__pycache__" not in name}
    return hashlib.sha256("".join(f"{name}\0{content}\n" for name, content in files.items()).encode()).hexdigest()
