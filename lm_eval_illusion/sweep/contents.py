"""The contents of what a cell reads: model, tokenizer, recipe, calibration text, items, tasks. A changed input makes a new cell.

Names of files stay the same while their contents change. The hash of each input is therefore part of a cell's request and name.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from lm_eval_illusion.errors import UserError, system_reason
from lm_eval_illusion.files import file_sha256, files_below, shown
from lm_eval_illusion.pruning.base_identity import ModelFiles, commit_of_file, read_use_safetensors
from lm_eval_illusion.pruning.hash_cache import file_hashes
from lm_eval_illusion.pruning.hf_checkpoint import base_revision
from lm_eval_illusion.pruning.recipes import recipe_template
from lm_eval_illusion.pruning.settings import PRUNING_ARGUMENTS
from lm_eval_illusion.sweep.families import family_of, tasks_folder
from lm_eval_illusion.sweep.grid import Cell, CellRequest, settings_of
from lm_eval_illusion.sweep.model_size import cached_snapshot, hub_answers

NOT_FOUND = "not found"
"""The content of a model that is neither a folder nor known to the hub. Its cell runs, fails and reports the reason."""
NOT_DOWNLOADED = "not downloaded"
"""The content, in a plan, of a model that is neither a folder nor in the hub's cache."""

# The files of which a model, an adapter or a tokenizer on the hub has one.
_HUB_FILES = ("config.json", "adapter_config.json", "tokenizer_config.json")
# Arguments with a rule of their own. The values of all others are read if they name a file; a folder of such a name is a coincidence.
_WITH_RULE = (*PRUNING_ARGUMENTS, "pretrained", "subfolder", "gguf_file", "tokenizer", "delta", "peft", "offload_folder")


class Input(NamedTuple):
    """Something that a cell reads. `label`: for messages, such as "recipe my.yaml"; `content(*names)` returns its hash or version."""

    label: str
    content: Callable[..., str]
    names: tuple[str | bool | None, ...]


def with_contents(cells: Sequence[Cell], *, ask_hub: bool = True) -> list[Cell]:
    """Return the cells with the content of each input in their requests. Each input is hashed once, however many cells read it.

    `ask_hub`: whether the hub is asked for the commit of a model, which downloads its configuration. Otherwise, and where the hub does not
    answer, the commit in its cache counts.

    Raises:
        UserError: An input can't be read.
    """
    content_once = cache(_content if ask_hub else _content_here)
    return [replace(cell, request=replace(cell.request, inputs=_contents(cell.request, content_once))) for cell in cells]


def refuse_changed(cell: Cell) -> None:
    """Refuse a cell of which an input changed after `with_contents`: its answers belong to the contents of now, or to both.

    Raises:
        UserError: An input changed, or can't be read any more.
    """
    if changed := changed_inputs(_contents(cell.request, _content), cell.request.inputs):
        raise UserError(f"{shown(', '.join(changed))} changed while the sweep ran: run the same command again")


def changed_inputs(now: Mapping[str, str], earlier: Mapping[str, str]) -> list[str]:
    """Return the labels of the inputs whose content is not that of an earlier run with the same arguments."""
    return [label for label in {**earlier, **now} if now.get(label) != earlier.get(label)]


def inputs_of(request: CellRequest) -> Iterator[Input]:
    """Yield everything that a cell with these arguments reads.

    The content of a hub dataset is not among them, because it is known only after the download.
    """
    arguments, settings = request.model_args, settings_of(request.model_args)
    pretrained, revision = str(arguments["pretrained"]), str(arguments.get("revision") or "main")
    variant, use_safetensors = arguments.get("variant"), read_use_safetensors(arguments.get("use_safetensors"))
    place = (pretrained, revision, str(arguments.get("subfolder") or ""), str(variant) if variant else None, use_safetensors)
    yield Input(f"model {pretrained}", _model_content, place)
    if arguments.get("trust_remote_code"):
        yield Input(f"code of {pretrained}", _code_content, (pretrained,))
    if file := arguments.get("gguf_file"):
        yield Input(f"gguf_file {file}", _gguf_content, (pretrained, place[2], str(file)))
    if tokenizer := arguments.get("tokenizer"):
        yield Input(f"tokenizer {tokenizer}", _model_content, (str(tokenizer), revision))
    if delta := arguments.get("delta"):
        yield Input(f"delta {delta}", _model_content, (str(delta), "main"))
    if adapter := arguments.get("peft"):
        yield Input(f"peft {adapter}", _adapter_content, (str(adapter),))
    if settings.pruner != "none":
        yield Input(f"recipe {settings.pruner}", _recipe_content, (settings.pruner,))
    if settings.needs.calibration:
        yield Input(f"calibration {settings.calibration}", _calibration_content, (settings.calibration,))
    for name, value in chain(request.metadata.items(), arguments.items()):
        if isinstance(value, str) and name not in _WITH_RULE and (name == "items" or _is_file(value)):
            yield Input(f"{name} {value}", _path_content, (value,))
    for family in (family_of(task) or "lm_eval" for task in request.tasks):
        yield Input(f"tasks of {family}", _tasks_content, (family,))
    yield Input("lm-eval-illusion", importlib.metadata.version, ("lm_eval_illusion",))


def _contents(request: CellRequest, content: Callable[[Input], str]) -> dict[str, str]:
    return {entry.label: content(entry) for entry in inputs_of(request)}


def _content(entry: Input) -> str:
    try:
        return entry.content(*entry.names)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL character
        if isinstance(error, UserError):
            raise
        raise UserError(f"{shown(entry.label)} can't be read ({system_reason(error)}): give one that can") from error


def _content_here(entry: Input) -> str:
    """Return the content of an input without the hub: of a hub model the commit in the cache."""
    if entry.content not in (_model_content, _adapter_content):
        return _content(entry)
    name, revision = str(entry.names[0]), str([*entry.names, "main"][1])
    return _content(entry) if ModelFiles(name).is_local else _commit_in_cache(name, revision) or NOT_DOWNLOADED


def _commit_in_cache(name: str, revision: str) -> str | None:
    # The cache stores the files of a commit in .../snapshots/<commit>.
    snapshot = cached_snapshot(name, revision)
    return snapshot.name if snapshot else None


def _model_content(name: str, revision: str, *place: Any) -> str:
    """Return `base_revision`; "not found" for a model that is nowhere. `place`: its other arguments."""
    if not ModelFiles(name).is_local and not hub_answers():
        # The hub's client would try again for half a minute, for each file.
        return _commit_in_cache(name, revision) or NOT_FOUND
    try:
        return base_revision(name, revision, *place)
    except UserError:
        if Path(name).exists():
            raise
        return _hub_commit(name, revision)


def _code_content(pretrained: str) -> str:
    """Return the hash of the Python files of a local model; on the hub they belong to its commit."""
    files = files_below(Path(pretrained), follow_links=True)
    return _hash({name: file_sha256(path) for name, path in files.items() if name.endswith(".py")})


def _gguf_content(pretrained: str, subfolder: str, file: str) -> str:
    path = Path(pretrained, subfolder, file)
    return file_hashes([path])[0] if path.exists() else file  # on the hub it belongs to the commit of the model


def _adapter_content(name: str) -> str:
    return _path_content(name) if Path(name).exists() else _hub_commit(name, "main")


def _hub_commit(name: str, revision: str) -> str:
    """Return the commit of a model, adapter or tokenizer on the hub or in its cache."""
    try:
        return commit_of_file(name, _HUB_FILES, revision)
    except (OSError, ValueError):
        return NOT_FOUND


def _recipe_content(pruner: str) -> str:
    return hashlib.sha256(recipe_template(pruner).encode()).hexdigest()


def _calibration_content(calibration: str) -> str:
    if calibration == "embedded":
        return _folder_hash(tasks_folder() / "mqa_illusion" / "held_out")
    return calibration if calibration.startswith("hub:") else _path_content(calibration)


def _tasks_content(family: str) -> str:
    """Return the hash of one of our families, or the version of lm_eval, to which all other tasks belong."""
    return _folder_hash(tasks_folder() / family) if family != "lm_eval" else importlib.metadata.version("lm_eval")


def _is_file(text: str) -> bool:
    try:
        return Path(text).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):  # a text that can be no path: too long, a NUL character, an unknown user
        return False


def _path_content(name: str) -> str:
    path = Path(name).expanduser()
    return _folder_hash(path) if path.is_dir() else file_sha256(path)


def _folder_hash(folder: Path) -> str:
    """Return the SHA-256 of the names and contents of the files below a folder, without Python's compiled files."""
    files = files_below(folder, follow_links=True)
    return _hash({name: file_sha256(path) for name, path in files.items() if "__pycache__" not in name})


def _hash(files: Mapping[str, str]) -> str:
    """Return the SHA-256 of names and hashes of files."""
    return hashlib.sha256("".join(f"{name}\0{content}\n" for name, content in files.items()).encode()).hexdigest()
