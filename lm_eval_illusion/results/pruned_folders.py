"""The pruned checkpoint that a run of another model class loaded from a folder, such as one of `lm-eval-illusion prune --out`.

Such a run states the path alone. The folder's manifest has the rest, if the folder is on this machine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lm_eval_illusion.loading.pruned_folder import MANIFEST, REMEDY, pruned_manifest
from lm_eval_illusion.results.results_file import IllusionConfig
from lm_eval_illusion.results.servers import Server
from lm_eval_illusion.results.typed_json import convert


def checkpoint_in(name: str, arguments: Mapping[str, Any], server: Server | None) -> IllusionConfig | None:
    """Return what the manifest says if `name` is the folder of a pruned checkpoint; None for another model.

    `server`: that serves it. A relative path says nothing about the files of another machine.

    Raises:
        UserError: The folder has a manifest of this package that is damaged or not about its files.
    """
    if server is not None and not server.is_this_machine and not os.path.isabs(name):
        return None
    folder = Path(name).expanduser() / str(arguments.get("subfolder") or "")
    content = pruned_manifest(lambda file: path if (path := folder / file).is_file() else None) if _exists(folder) else None
    return None if content is None else convert(content, IllusionConfig, folder / MANIFEST, "", REMEDY)


def _exists(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except (OSError, ValueError):  # a name that can't be a path
        return False
