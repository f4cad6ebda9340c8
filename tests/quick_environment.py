"""Import this before lm_eval evaluates: its results files then hold no list of the installed packages, and task files are read once.

lm_eval starts pip and ten other programs in each evaluation to describe the machine, and reads all task files anew for each list of tasks.
Both take more time than the evaluation of a tiny model. Commands that a test starts as a new Python still do so.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from lm_eval.tasks import _index
from torch.utils import collect_env

from lm_eval_illusion.plugin import tasks_folder

collect_env.get_pretty_env_info = lambda: "not described in tests"

# Folders whose files no test changes.
FOLDERS = (tasks_folder().resolve(), Path(_index.__file__).parent.resolve())
_load_yaml = _index.load_yaml


@cache
def _load_once(path: Path, options: tuple[tuple[str, Any], ...]) -> Any:
    return _load_yaml(path, **dict(options))


def _copied(value: Any) -> Any:
    """Copy what a YAML consists of: all but dictionaries and lists is immutable. Faster than `deepcopy`."""
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _load(path: Path, **options: Any) -> Any:
    if not any(path.is_relative_to(folder) for folder in FOLDERS):
        return _load_yaml(path, **options)
    return _copied(_load_once(path, tuple(sorted(options.items()))))


_index.load_yaml = _load
# A process that is forked from this one need not read our tasks.
_index.TaskIndex.build([FOLDERS[0]])
