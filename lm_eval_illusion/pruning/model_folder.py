"""Checks of a local model folder before a library opens it: regular files of a plausible size, no names that leave the folder.

A FIFO in place of a file would block for ever, and a configuration of some numbers can ask for more memory or time than a machine has.
The libraries check neither. What else can be wrong with a file, they find themselves.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from lm_eval_illusion.errors import UserError, system_reason
from lm_eval_illusion.pruning.base_identity import (
    ADAPTER,
    CONFIGURATION,
    MOST_JSON_BYTES,
    REMEDY,
    TOKENIZER,
    VOCABULARY,
    WEIGHT_SUFFIXES,
    WEIGHTS,
    ModelFiles,
    read_object,
    refuse_outside,
)
from lm_eval_illusion.reading import is_special, open_file, parse_json, read_file, read_json

MOST_LAYERS = 10_000
"""The most layers of a configuration. Models have up to some hundred; libraries make a list of this length before any check."""
_OTHER_SUFFIXES = (".json", ".jinja", ".model", ".txt", ".py")
_LARGE = ("tokenizer.json", *VOCABULARY)
_LAYER_COUNT = re.compile(r"^(num|n)_.*layers?$|^n_?layers?$|^num_?layers?$|layers_num$")


def check_files(files: ModelFiles) -> None:
    """Check the files of a local model, adapter or tokenizer; nothing is done for one on the hub, whose files are regular ones.

    Raises:
        UserError: A file is a FIFO, a device or a socket, can't be read, is too large, or is JSON that names files outside the folder or
            an impossible number of layers; or the subfolder is outside the folder.
    """
    refuse_outside(files.subfolder, "subfolder", files.pretrained)
    folder = files.folder
    if folder is None:
        return
    for path in _loaded_files(folder):
        with open_file(path, REMEDY):
            pass
    for name in ("config.json", "adapter_config.json"):
        _check_layers(read_object(files, name), folder / name)
    _check_generation(folder / "generation_config.json")
    for name in WEIGHTS:
        if name.endswith(".json"):
            _check_index(folder / name)


def _loaded_files(folder: Path) -> Iterator[Path]:
    """Yield the existing files that a library may open, and refuse what is too large."""
    named = [*CONFIGURATION, *WEIGHTS, *ADAPTER, *TOKENIZER, *VOCABULARY]
    for name in named:
        path = folder / name
        if os.path.lexists(path):
            yield path
            is_small = name.endswith((".json", ".jinja")) and name not in _LARGE
            if is_small and path.stat().st_size > MOST_JSON_BYTES:
                raise UserError(f"{path} can't be read (it has more than {MOST_JSON_BYTES:,} bytes): {REMEDY}")
    try:
        others = sorted(folder.iterdir())
    except OSError as error:
        raise UserError(f"{folder} can't be read ({system_reason(error)}): {REMEDY}") from error
    suffixes = (*WEIGHT_SUFFIXES, *_OTHER_SUFFIXES)
    yield from (path for path in others if path.name not in named and path.suffix in suffixes and is_special(path))


def _check_layers(content: Any, path: Path) -> None:
    """Refuse an impossible number of layers, at the top of a configuration or in a part of it."""
    if isinstance(content, dict):
        for name, value in content.items():
            if isinstance(value, dict):
                _check_layers(value, path)
            elif isinstance(value, int | float) and _LAYER_COUNT.search(name) and not -1 <= value <= MOST_LAYERS:
                raise UserError(f"{path}: {name} {str(value)[:40]} is no number of layers, at most {MOST_LAYERS}: {REMEDY}")


def _check_generation(path: Path) -> None:
    """Refuse a generation configuration that transformers would leave out without a word, and with it the tokens that end an answer."""
    if not os.path.lexists(path):
        return
    raw = read_file(path, REMEDY, MOST_JSON_BYTES)
    content = parse_json(raw, path, REMEDY)
    if raw.startswith(codecs.BOM_UTF8) or not isinstance(content, dict):
        raise UserError(f"{path} is no JSON object without a byte order mark: {REMEDY}")
    ends = content.get("eos_token_id")
    if ends is not None and not all(type(end) is int for end in (ends if isinstance(ends, list) else [ends])):
        raise UserError(f"{path}: eos_token_id {str(ends)[:100]} is neither a token's number nor a list of such: {REMEDY}")


def _check_index(path: Path) -> None:
    """Refuse an index that names files outside its folder; a missing index is none."""
    if not os.path.lexists(path):
        return
    content = read_json(path, REMEDY, MOST_JSON_BYTES)
    names = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise UserError(f'{path} has no "weight_map" of tensors and their files: {REMEDY}')
    for name in set(names.values()):
        refuse_outside(name, "the file", str(path))
        if is_special(path.parent / PurePosixPath(name)):
            raise UserError(f"{path} names {name[:200]}, which is no regular file: {REMEDY}")
