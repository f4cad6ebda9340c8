"""A wheel that is built from a source distribution contains all that the package needs, and the licences of what is not ours.

That is: tasks, recipes, studies, language files and word lists, the embedded model, the import hook.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parents[1]
NOT_PACKAGED = shutil.ignore_patterns(
    ".*", "build", "*.egg-info", "__pycache__", "lm-eval-illusion-demo", "lm-eval-illusion-real", "tests"
)

# What a package folder reports about itself, as JSON.
CONTENTS = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import lm_eval_illusion
from lm_eval_illusion.embedded import resolve_pretrained
from lm_eval_illusion.files import packaged_folder
from lm_eval_illusion.items import embedded_items, embedded_languages, held_out_items
from lm_eval_illusion.plugin import tasks_folder

def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")

package, tasks = Path(lm_eval_illusion.__file__).parent, tasks_folder()
print(json.dumps({
    "folders": [str(package), str(tasks)],
    "items": {lang: [len(embedded_items(lang)), len(held_out_items(lang))] for lang in embedded_languages()},
    "pruners": files(packaged_folder("lm_eval_illusion.pruners")),
    "studies": files(packaged_folder("lm_eval_illusion.studies")),
    "model": files(Path(resolve_pretrained("embedded"))),
    "tasks": files(tasks),
    # An installed package holds tasks, recipes and studies, too.
    "package": [path for path in files(package) if path.split("/")[0] not in ("tasks", "pruners", "studies")],
}))
"""


def contents(folder, working_folder, *flags):
    """Return what the package in `folder` contains."""
    command = [sys.executable, *flags, "-c", CONTENTS, str(folder)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, cwd=working_folder).stdout)


def test_every_package_is_listed():
    # The build below finds a missing one, too, but is slow.
    listed = msgspec.toml.decode((ROOT / "pyproject.toml").read_bytes())["tool"]["setuptools"]["packages"]
    packages = {path.parent.relative_to(ROOT) for path in (ROOT / "lm_eval_illusion").rglob("__init__.py")}
    assert {".".join(package.parts) for package in packages} <= set(listed)


@pytest.mark.slow
def test_a_wheel_contains_what_the_repository_contains(tmp_path):
    source, target, elsewhere = tmp_path / "source", tmp_path / "target", tmp_path / "elsewhere"
    shutil.copytree(ROOT, source, ignore=NOT_PACKAGED)
    elsewhere.mkdir()
    build = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], check=True, cwd=source, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(archive)], check=True, cwd=elsewhere)
    # -S: without site-packages, hence without the editable install of this repository.
    installed, expected = contents(target, elsewhere, "-I", "-S"), contents(ROOT, elsewhere)
    assert all(Path(folder).is_relative_to(target) for folder in installed.pop("folders"))
    assert all(Path(folder).is_relative_to(ROOT) for folder in expected.pop("folders"))
    assert installed == expected
    assert list(expected["items"].values()) == [[200, 56]] * 18
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(expected["model"])
    assert min(len(expected[name]) for name in ("pruners", "tasks", "package")) > 1
    assert expected["studies"] == ["__init__.py", "paper.yaml"]
    assert {"languages/en.toml", "languages/zh_words.txt.xz", "report/template/report.html.j2"} <= set(expected["package"])
    assert (target / "lm_eval_illusion.pth").read_text() == (ROOT / "lm_eval_illusion.pth").read_text()
    (metadata,) = target.glob("*.dist-info/METADATA")
    needed = set(re.findall(r"^Requires-Dist: ([\w.-]+)(?!.*extra ==)", metadata.read_text(), flags=re.MULTILINE))
    listed = [(ROOT / f"requirements-{name}.txt").read_text() for name in ("serving", "pruning")]
    assert needed == set(re.findall(r"^([\w-]+)", "".join(listed), flags=re.MULTILINE))
    assert "llmcompressor" in needed
    licences = {path.name for path in target.glob("*.dist-info/licenses/**/*") if path.is_file()}
    assert licences == {"LICENSE", "LICENSE.unicode", "LICENSE.jieba"}
