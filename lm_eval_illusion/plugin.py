"""Registration of our models and tasks in lm_eval. This is the only file that touches lm_eval's registries and task index.

`watch_imports` runs at every start of Python (from lm_eval_illusion.pth). This module therefore imports only `sys` and `os` until
lm_eval itself is imported. When `lm_eval.models` or `lm_eval.tasks._index` is imported, our models or our tasks folder are added.
A later lm-eval may discover plugins by entry points: our entries are then registered already, and nothing is added.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from importlib.machinery import ModuleSpec
    from pathlib import Path
    from types import ModuleType
    from typing import Any

MODEL_NAME = "pruned-hf"
VLLM_MODEL_NAME = "pruned-vllm"
SERVED_MODEL_NAME = "served"


def watch_imports() -> None:
    """Install an import hook that adds our models and tasks to lm_eval when lm_eval is imported.

    It has no effect if the environment variable LM_EVAL_ILLUSION_AUTOLOAD is 0, or if the hook is installed already.
    """
    if os.environ.get("LM_EVAL_ILLUSION_AUTOLOAD") == "0":
        return
    if not any(isinstance(finder, _LmEvalFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _LmEvalFinder())


def register() -> None:
    """Import lm_eval and add our models and tasks to it. Repeated calls, and calls after the import hook, change nothing."""
    from lm_eval import models
    from lm_eval.tasks import _index

    _add_models(models)
    _add_tasks(_index)


def index_ours_first(tasks: Sequence[str], check: Callable[[Any], None] | None = None) -> None:
    """Make lm_eval index only our tasks folder if every task in `tasks` is ours. `check` gets each index that is built.

    lm_eval has thousands of tasks; indexing them takes 8 to 18 s.
    """
    from lm_eval.tasks import _index

    build = _index.TaskIndex.build
    # Of an earlier call in this process: wrapped again, each call would index our folder twice as often.
    build = getattr(build, "without_ours_first", build)

    def build_ours_first(paths: Iterable[Path], **options: Any) -> Any:
        ours = build([tasks_folder()], **options)
        index = ours if tasks and set(tasks) <= set(ours) else build(paths, **options)
        if check is not None:
            check(index)
        return index

    build_ours_first.without_ours_first = build  # type: ignore[attr-defined]
    # What it wraps adds our tasks, if that was registered.
    build_ours_first.adds_illusion_tasks = getattr(build, "adds_illusion_tasks", False)  # type: ignore[attr-defined]
    _index.TaskIndex.build = staticmethod(build_ours_first)


def tasks_folder() -> Path:
    """Return the folder that holds our task families."""
    from lm_eval_illusion.files import packaged_folder

    return packaged_folder("lm_eval_illusion.tasks")


class _LmEvalFinder:
    """A meta-path finder that finds two lm_eval modules as usual and makes our additions run after the modules were executed."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in ("lm_eval.models", "lm_eval.tasks._index"):
            return None
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            _after_execution(spec.loader, _add_models if name == "lm_eval.models" else _add_tasks)
        return spec


def _after_execution(loader: Any, action: Callable[[ModuleType], None]) -> None:
    """Make `loader` call `action` with the module after it executed the module."""
    execute = loader.exec_module

    def execute_and_act(module: ModuleType) -> None:
        execute(module)
        action(module)

    loader.exec_module = execute_and_act


def _add_models(_: ModuleType) -> None:
    """Register our models, unless lm_eval registered them itself."""
    from importlib.metadata import entry_points

    from lm_eval.api.registry import model_registry

    for entry in entry_points(group="lm_eval.models"):
        if entry.name in (MODEL_NAME, VLLM_MODEL_NAME, SERVED_MODEL_NAME) and entry.name not in model_registry:
            # Register the entry point itself, not "module:class": a later lm-eval that registers entry points then sees the same target.
            model_registry.register(entry.name, target=entry)


def _add_tasks(index_module: Any) -> None:
    """Wrap the `build` function of lm_eval's task index so that it also indexes our tasks folder."""
    build = index_module.TaskIndex.build
    if getattr(build, "adds_illusion_tasks", False):
        return

    def build_with_ours(paths: Iterable[Path], **options: Any) -> Any:
        folders = list(paths)
        ours = tasks_folder()
        if not any(ours.is_relative_to(folder.resolve()) for folder in folders):
            folders.append(ours)
        return build(folders, **options)

    build_with_ours.adds_illusion_tasks = True  # type: ignore[attr-defined]
    index_module.TaskIndex.build = staticmethod(build_with_ours)
