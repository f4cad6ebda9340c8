"""The one file that touches lm_eval's registries and task index.

`watch_imports` runs at every start of Python (from lm_eval_illusion.pth), so nothing but `sys` and `os` is imported here before
lm_eval itself is. It waits until `lm_eval.models` and `lm_eval.tasks._index` are imported, then adds our models and our tasks folder.
Once lm-eval discovers plugins by entry points, our entries are already registered when we look, and we do nothing.
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


def watch_imports() -> None:
    """Add our models and tasks to lm_eval when it is imported; LM_EVAL_ILLUSION_AUTOLOAD=0 opts out."""
    if os.environ.get("LM_EVAL_ILLUSION_AUTOLOAD") == "0":
        return
    if not any(isinstance(finder, _AfterImport) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterImport())


def register() -> None:
    """Add our models and tasks to lm_eval now, whether it was imported before or not."""
    from lm_eval import models
    from lm_eval.tasks import _index

    _add_models(models)
    _add_tasks(_index)


def index_ours_first(tasks: Sequence[str]) -> None:
    """Where lm_eval is to run these tasks and all of them are ours, let it index no others: it has thousands, 8 to 18 s long."""
    from lm_eval.tasks import _index

    build = _index.TaskIndex.build

    def build_ours_first(paths: Iterable[Path], **options: Any) -> dict[str, Any]:
        ours: dict[str, Any] = build([tasks_folder()], **options)
        return ours if tasks and set(tasks) <= set(ours) else build(paths, **options)

    _index.TaskIndex.build = staticmethod(build_ours_first)


def tasks_folder() -> Path:
    """The folder of our task families."""
    from lm_eval_illusion.files import packaged_folder

    return packaged_folder("lm_eval_illusion.tasks")


class _AfterImport:
    """A finder that finds nothing itself: it runs a function after one of two lm_eval modules was executed."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in ("lm_eval.models", "lm_eval.tasks._index"):
            return None
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            _run_after(spec.loader, _add_models if name == "lm_eval.models" else _add_tasks)
        return spec


def _run_after(loader: Any, then: Callable[[ModuleType], None]) -> None:
    execute = loader.exec_module

    def execute_and_then(module: ModuleType) -> None:
        execute(module)
        then(module)

    loader.exec_module = execute_and_then


def _add_models(_: ModuleType) -> None:
    from importlib.metadata import entry_points

    from lm_eval.api.registry import model_registry

    for entry in entry_points(group="lm_eval.models"):
        if entry.name in (MODEL_NAME, VLLM_MODEL_NAME) and entry.name not in model_registry:
            # The entry point itself, not its "module:class": a coming lm-eval that finds it too then sees the same target, no collision.
            model_registry.register(entry.name, target=entry)


def _add_tasks(index_module: Any) -> None:
    build = index_module.TaskIndex.build
    if getattr(build, "adds_illusion_tasks", False):
        return

    def build_with_ours(paths: Iterable[Path], **options: Any) -> dict[str, Any]:
        folders = list(paths)
        ours = tasks_folder()
        if not any(ours.is_relative_to(folder.resolve()) for folder in folders):
            folders.append(ours)
        index: dict[str, Any] = build(folders, **options)
        return index

    build_with_ours.adds_illusion_tasks = True  # type: ignore[attr-defined]
    index_module.TaskIndex.build = staticmethod(build_with_ours)
