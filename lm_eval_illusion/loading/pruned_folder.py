"""Folders that hold a checkpoint which this package pruned: each has a manifest, which names what was pruned and how."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.reading import parse_json, read_file

MANIFEST = "manifest.json"
"""The name of the manifest's file in a checkpoint's folder."""
LARGEST_MANIFEST = 64 << 20
"""In bytes. A model with 50,000 separate experts has a manifest of about 10 MB."""
REMEDY = "if the model was changed after it was pruned, remove its manifest.json, and it counts as a model of its own"

# Other tools have files of this name, too. The second key is at the beginning, where a file that was cut off has it.
_OWN_KEYS = (b'"recipe_sha256"', b'"base_revision"')
# What is left of a file by a disk that was full, or a machine that lost power.
_EMPTY = b" \t\r\n\0"
_CONFIGURATION = "config.json"


def pruned_manifest(find: Callable[[str], Path | None]) -> dict[str, Any] | None:
    """Return the content of the manifest of a pruned checkpoint; None for another model. `find`: name of a file -> its path, or None.

    The folder must still have the configuration and the files that the manifest lists. Weights are not read.

    Raises:
        UserError: The manifest is of this package, but can't be read, or describes other files than the folder has.
    """
    path = find(MANIFEST)
    if path is None:
        return None
    content = read_file(path, REMEDY, LARGEST_MANIFEST)
    if not content.strip(_EMPTY):
        raise UserError(f"{path} is empty: {REMEDY}")
    if not any(key in content for key in _OWN_KEYS):
        return None
    manifest = parse_json(content, path, REMEDY)
    if isinstance(manifest, dict) and "recipe_sha256" not in manifest:
        return None
    if not isinstance(manifest, dict) or not isinstance(files := manifest.get("files"), dict):
        raise UserError(f"{path} is no manifest of a checkpoint (it lists no files): {REMEDY}")
    # A GGUF file as an ordinary folder was not pruned.
    if not manifest.get("key") or not manifest.get("recipe"):
        return None
    for name, digest in files.items():
        file = find(name)
        if file is None:
            raise UserError(f"{path} lists {name}, which is not beside it: {REMEDY}")
        if name == _CONFIGURATION and hashlib.sha256(read_file(file, REMEDY, LARGEST_MANIFEST)).hexdigest() != digest:
            raise UserError(f"{path} is not about the {name} beside it: {REMEDY}")
    return manifest
