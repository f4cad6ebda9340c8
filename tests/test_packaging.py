"""An ordinary install holds all that the repository holds: tasks, recipes, embedded model, the hook."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOT_PACKAGED = shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__", "lm-eval-illusion-demo", "tests")

# -S: no site-packages, so that nothing of the repository's own install is found.
LOOK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from lm_eval_illusion.embedded import resolve_pretrained
from lm_eval_illusion.items import embedded_items, embedded_languages, held_out_items
from lm_eval_illusion.plugin import tasks_folder
from lm_eval_illusion.pruning.recipes import pruner_names
print(json.dumps({
    "items": sum(len(embedded_items(lang)) for lang in embedded_languages()),
    "held_out": min(len(held_out_items(lang)) for lang in embedded_languages()),
    "pruners": pruner_names(),
    "model": sorted(path.name for path in Path(resolve_pretrained("embedded")).iterdir()),
    "tasks": sorted(str(path.relative_to(tasks_folder())) for path in tasks_folder().rglob("*.yaml")),
    "home": str(tasks_folder()),
    "template": sorted(path.name for path in (Path(sys.argv[1]) / "lm_eval_illusion/report/template").iterdir()),
}))
"""


@pytest.mark.slow
def test_a_wheel_holds_everything(tmp_path):
    source, target, elsewhere = tmp_path / "source", tmp_path / "target", tmp_path / "elsewhere"
    shutil.copytree(ROOT, source, ignore=NOT_PACKAGED)
    elsewhere.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True, cwd=elsewhere)
    look = [sys.executable, "-I", "-S", "-c", LOOK, str(target)]
    found = json.loads(subprocess.run(look, check=True, capture_output=True, text=True, cwd=elsewhere).stdout)
    assert found["home"].startswith(str(target))
    assert (found["items"], found["held_out"]) == (18 * 200, 56)
    assert found["pruners"] == ["awq", "gptq", "magnitude", "owl", "owl_sparsegpt", "rtn", "sparsegpt", "wanda"]
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(found["model"])
    assert found["tasks"] == sorted(str(path.relative_to(ROOT / "tasks")) for path in (ROOT / "tasks").rglob("*.yaml"))
    assert found["template"] == sorted(path.name for path in (ROOT / "lm_eval_illusion/report/template").iterdir())
    assert (target / "lm_eval_illusion.pth").read_text() == (ROOT / "lm_eval_illusion.pth").read_text()
    assert list(target.glob("*.dist-info/licenses/**/LICENSE.unicode"))
