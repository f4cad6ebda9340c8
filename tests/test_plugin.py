"""The `lm_eval` command finds our models and tasks, and the import hook costs a bare interpreter almost nothing."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from lm_eval_illusion.plugin import tasks_folder

LM_EVAL = Path(sys.executable).with_name("lm_eval")
FIND_MODELS = (
    "import lm_eval.models; from lm_eval.api.registry import model_registry as r;"
    " print(*[name for name in ('pruned-hf', 'pruned-vllm') if name in r])"
)
BOTH = "pruned-hf pruned-vllm"


def python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return done.stdout.strip()


def test_the_models_are_registered_when_lm_eval_is_imported():
    assert python(FIND_MODELS) == BOTH


def test_the_environment_switches_the_hook_off():
    assert python(FIND_MODELS, LM_EVAL_ILLUSION_AUTOLOAD="0") == ""


def test_register_works_without_the_hook_and_twice():
    code = "from lm_eval_illusion.plugin import register; register(); register(); " + FIND_MODELS
    assert python(code, LM_EVAL_ILLUSION_AUTOLOAD="0") == BOTH


def test_a_model_that_lm_eval_registered_itself_is_not_registered_again():
    # A later lm-eval may register the entry point, before or after us. Neither order may fail.
    discover = (
        "from importlib.metadata import entry_points; from lm_eval.api.registry import model_registry as r;"
        "[r.register(e.name, target=e) for e in entry_points(group='lm_eval.models', name='pruned-hf')];"
    )
    assert python(discover + FIND_MODELS) == BOTH
    assert python(FIND_MODELS + ";" + discover) == BOTH


def test_a_bare_start_imports_no_heavy_library():
    loaded = python("import sys; print(' '.join(sorted(sys.modules)))").split()
    assert "lm_eval_illusion.plugin" in loaded
    assert not {"lm_eval", "torch", "transformers", "numpy", "yaml", "datasets"} & set(loaded)


def test_our_tasks_are_added_once_to_any_index():
    code = (
        "import logging; logging.basicConfig(level='WARNING');"
        "from lm_eval.tasks import TaskManager; from lm_eval_illusion.plugin import tasks_folder;"
        "a = TaskManager(include_path=str(tasks_folder()), include_defaults=False).all_tasks;"
        "b = TaskManager(include_defaults=False).all_tasks; print(a == b, 'mqa_illusion' in b, 'mqa_illusion_zh_mc' in b)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "True"]
    assert "overrides" not in done.stderr


def test_tasks_folder_is_the_package():
    assert (tasks_folder() / "mqa_illusion" / "family.yaml").is_file()


def lm_eval_with_few_tasks(folder: Path) -> Path:
    """The installed lm_eval with one of its task folders, to be found in `folder`: it needs 15 s to read all of them."""
    installed = Path(find_spec("lm_eval").submodule_search_locations[0])
    target = folder / "lm_eval"
    # Nothing of it is changed, so links do; lm_eval follows no link to a folder of tasks.
    shutil.copytree(installed / "tasks" / "arc", target / "tasks" / "arc")
    for path in (*installed.iterdir(), *(installed / "tasks").glob("*.py")):
        if path.name != "tasks":
            (target / path.relative_to(installed)).symlink_to(path)
    return folder


def test_plain_lm_eval_lists_our_tasks(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(lm_eval_with_few_tasks(tmp_path / "few"))}
    command = [LM_EVAL, "ls", "tasks"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment)
    assert "arc_easy" in done.stdout
    assert "hellaswag" not in done.stdout
    assert "mqa_illusion_core" in done.stdout
    assert "mqa_illusion_te_beam" in done.stdout


def hook_seconds() -> float:
    """The seconds to import plugin.py and install the hook, measured within a fresh interpreter."""
    code = (
        "import sys, time; [sys.modules.pop(n) for n in list(sys.modules) if n.startswith('lm_eval_illusion')];"
        "t = time.perf_counter(); import lm_eval_illusion.plugin as p; p.watch_imports(); print(time.perf_counter() - t)"
    )
    return float(python(code))


def test_the_hook_takes_a_small_part_of_the_interpreters_start():
    # A ratio measured in one run, not seconds: the hook takes less than a fifth of the start of a bare interpreter.
    def bare_start() -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-S", "-c", "pass"], check=True)
        return time.perf_counter() - started

    ratio = statistics.median(hook_seconds() for _ in range(5)) / statistics.median(bare_start() for _ in range(5))
    assert ratio < 0.2
