"""Where the files lie that are packaged with us: tasks/ and pruners/ of the repository."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path


def packaged_folder(package: str) -> Path:
    """The folder of a package, installed or editable: `lm_eval_illusion.tasks`, `lm_eval_illusion.pruners`."""
    return Path(next(iter(import_module(package).__path__)))
