"""What an environment without llmcompressor, or with a broken one, says of itself; and that our package works in it."""

from __future__ import annotations

import importlib.metadata
import json
import pkgutil
import re
import sys

import pytest

from lm_eval_illusion.pruning import compressor
from lm_eval_illusion.pruning.environment import installed_versions, pruning_fault
from lm_eval_illusion.pruning.prune import prune
from tests.prepared_process import run_command, start_function

BLOCKED = ("llmcompressor", "compressed_tensors")
# They import llmcompressor or vLLM at their top, and are imported only where one of these is to run.
NEED_MORE = ("lm_eval_illusion.pruning.modifiers", "lm_eval_illusion.pruning.traced_configs", "lm_eval_illusion.models.vllm")
RECIPE = """a_stage:
  a_modifiers:
    QuantizationModifier:
      ignore: {{ ignore }}
      config_groups:
        all:
          targets: [Linear]
          weights: {num_bits: 8, type: int, symmetric: true, strategy: channel, observer: memoryless_minmax}
"""


class Block:
    """A meta-path finder that refuses packages."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def block():
    """Make this process one that never had llmcompressor."""
    for name in list(sys.modules):
        if name.partition(".")[0] in BLOCKED or name in NEED_MORE:
            del sys.modules[name]
    sys.meta_path.insert(0, Block())


def run_blocked(arguments):
    block()
    from lm_eval_illusion.cli import main

    sys.argv = ["lm-eval-illusion", *arguments]
    return main()


def import_all():
    block()
    import lm_eval_illusion

    names = [module.name for module in pkgutil.walk_packages(lm_eval_illusion.__path__, "lm_eval_illusion.")]
    for name in names:
        if name not in NEED_MORE and not name.endswith("__main__"):
            importlib.import_module(name)
    print(len(names), [name for name in sys.modules if name.partition(".")[0] in BLOCKED])


def blocked(*arguments, folder):
    process = start_function(run_blocked, list(arguments), folder=folder)
    out, errors = process.communicate()
    return process.returncode, out, errors


def test_every_module_is_imported_without_llmcompressor():
    process = start_function(import_all)
    out, errors = process.communicate()
    assert process.returncode == 0, errors
    count, _, imported = out.partition(" ")
    assert int(count) > 150
    assert imported.strip() == "[]"


@pytest.mark.slow
def test_what_the_store_has_is_evaluated_without_llmcompressor(source, tmp_path):
    """The model as it is, checkpoints of packaged recipes and of one of the user's own, a sweep that is complete, reports, pairing."""
    store, recipe = tmp_path / "store", tmp_path / "mine.yaml"
    recipe.write_text(RECIPE)
    model_args = f"pretrained={source},store={store}"
    tasks = ["--tasks", "mqa_illusion_en_mc,mqa_illusion_en_gen", "--limit", "2"]
    prune(str(source), "magnitude", 0.5, store=str(store))
    prune(str(source), str(recipe), store=str(store))
    for pruner in ("none", "magnitude,sparsity=0.5", recipe):
        arguments = ["run", "--model", "pruned-hf", "--model_args", f"{model_args},pruner={pruner}", *tasks, "--log_samples"]
        code, _, errors = blocked(*arguments, "--output_path", "runs", folder=tmp_path)
        assert code == 0, errors[-3000:]
    code, out, errors = blocked("report", "runs", "--out", "report", folder=tmp_path)
    assert code == 0, errors[-3000:]
    rows = json.loads((tmp_path / "report" / "report.json").read_text())
    assert {"dense", "magnitude-0.5", "mine"} <= set(re.findall(r'"variant": "([^"]+)"', json.dumps(rows)))
    study = ["sweep", "--pretrained", str(source), "--pruner", "magnitude", "--sparsity", "0.5", "--tasks"]
    study += ["mqa_illusion_en_mc", "mqa_illusion_en_gen", "--limit", "2", "--model-args", f"store={store}", "--out", "study"]
    done = run_command(study, folder=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    code, out, errors = blocked(*study, folder=tmp_path)
    assert code == 0, out + errors[-3000:]
    # What is not in the store is one line, before any pruning.
    code, out, errors = blocked(
        "run",
        "--model",
        "pruned-hf",
        "--model_args",
        f"{model_args},pruner=wanda,calibration=embedded",
        *tasks,
        folder=tmp_path,
    )
    assert code == 2
    assert "Traceback" not in errors
    last = errors.splitlines()[-1]
    assert "it can't be made here (llmcompressor is not installed)" in last
    assert f"run `lm-eval-illusion prune --pretrained {source}" in last


def test_the_versions_of_what_is_installed_are_reported():
    found = installed_versions(["torch", "no-such-package", "llmcompressor"])
    assert found == {name: importlib.metadata.version(name) for name in ("torch", "llmcompressor")}


def test_why_nothing_can_be_pruned(monkeypatch):
    assert pruning_fault() is None
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "llmcompressor", None)
        assert pruning_fault() == "llmcompressor is not installed"
    with monkeypatch.context() as patch:
        patch.setattr(sys, "meta_path", [Block(), *sys.meta_path])
        for name in [name for name in sys.modules if name.partition(".")[0] in BLOCKED]:
            patch.delitem(sys.modules, name)
        assert pruning_fault() == "llmcompressor is not installed"

    def fail():
        raise AttributeError("module 'compressed_tensors' has no attribute 'x'")

    # As beside a compressed-tensors of another version.
    monkeypatch.setattr(compressor, "prepare_llmcompressor", fail)
    fault = pruning_fault()
    assert fault == "llmcompressor can't be imported: AttributeError: module 'compressed_tensors' has no attribute 'x'"
