"""What a folder on this machine says about the model that a run of another model class loaded from it.

Such a run states the path alone. The manifest of a folder of `lm-eval-illusion prune --out` says what was pruned, and the configuration
of a checkpoint how it is quantised.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lm_eval_illusion.loading.pruned_folder import MANIFEST, REMEDY, pruned_manifest
from lm_eval_illusion.loading.quantized_files import scheme_of_files
from lm_eval_illusion.loading.quantized_scheme import QuantizedScheme
from lm_eval_illusion.reading import read_json
from lm_eval_illusion.results.messages import shown
from lm_eval_illusion.results.results_file import IllusionConfig
from lm_eval_illusion.results.servers import Server
from lm_eval_illusion.results.typed_json import convert

MOST_BYTES = 64 << 20
"""The largest configuration that is read."""


def model_folder(name: str, arguments: Mapping[str, Any], server: Server | None) -> Path | None:
    """Return the folder of a model, if `name` is one on this machine.

    `server`: that serves it. A relative path says nothing about the files of another machine.
    """
    if server is not None and not server.is_this_machine and not os.path.isabs(name):
        return None
    try:
        folder = Path(name).expanduser() / str(arguments.get("subfolder") or "")
        return folder if folder.is_dir() else None
    except (OSError, ValueError, RuntimeError):  # a name that can't be a path, or an unknown home folder
        return None


def checkpoint_in(folder: Path) -> IllusionConfig | None:
    """Return what the manifest of a pruned checkpoint says; None for another model.

    Raises:
        UserError: The folder has a manifest of this package that is damaged or not about its files.
    """
    content = pruned_manifest(lambda file: path if (path := folder / file).is_file() else None)
    return None if content is None else convert(content, IllusionConfig, folder / MANIFEST, "", REMEDY)


def scheme_in(folder: Path) -> QuantizedScheme | None:
    """Return how the checkpoint in a folder is quantised; None for an ordinary one.

    Raises:
        UserError: The scheme can't be read.
    """

    def read_object(file: str) -> Mapping[str, Any]:
        path = folder / file
        content = read_json(path, "check its config.json", MOST_BYTES) if path.is_file() else {}
        return content if isinstance(content, dict) else {}

    return scheme_of_files(read_object, shown(str(folder)))
