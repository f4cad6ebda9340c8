"""The task families of this package, and the family of a task by its name."""

from __future__ import annotations

from pathlib import Path

from lm_eval_illusion.files import packaged_folder


def tasks_folder() -> Path:
    """Return the folder that has a folder for each family."""
    return packaged_folder("lm_eval_illusion.tasks")


def family_of(task: str) -> str | None:
    """Return the family of one of our tasks or groups, None for a task of another project."""
    families = [file.parent.name for file in tasks_folder().glob("*/family.yaml")]
    return max((name for name in families if f"{task}_".startswith(f"{name}_")), key=len, default=None)
