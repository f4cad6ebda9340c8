"""Recipes: a template in pruners/ is a pruner everywhere, and a faulty recipe is reported in one line."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import lm_eval_illusion.pruners
import pytest

from lm_eval_illusion import prune
from lm_eval_illusion.cli import main
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.recipe_template import TEMPLATE_VARIABLES
from lm_eval_illusion.pruning.recipes import pruner_names, render_recipe, template_args
from lm_eval_illusion.pruning.settings import read_settings
from lm_eval_illusion.sweep.grid import cells_of
from lm_eval_illusion.sweep.study import Study
from tests.tiny_models import save_tiny

PRUNE_MODULE = sys.modules["lm_eval_illusion.pruning.prune"]
PRUNERS_FOLDER = Path(__file__).parents[2] / "pruners"
NEW_RECIPE = (
    "pruning_stage:\n  pruning_modifiers:\n    LayerMagnitudeModifier:\n"
    "      sparsity: {{ sparsity }}\n      targets: [Linear]\n      ignore: {{ ignore }}\n"
)


@pytest.fixture
def pruners_folder(tmp_path, monkeypatch):
    """A copy of pruners/ that takes the place of the packaged folder."""
    folder = tmp_path / "pruners"
    shutil.copytree(PRUNERS_FOLDER, folder)
    monkeypatch.setattr(lm_eval_illusion.pruners, "__path__", [str(folder)])
    return folder


def test_pruner_names_are_the_files_in_pruners():
    assert pruner_names() == sorted(path.stem for path in PRUNERS_FOLDER.glob("*.yaml"))
    assert {"wanda", "sparsegpt", "magnitude", "owl", "owl_sparsegpt", "rtn", "gptq", "awq"} <= set(pruner_names())


@pytest.mark.parametrize("pruner", pruner_names())
def test_every_packaged_template_can_be_filled_in(pruner):
    assert template_args(pruner) <= set(TEMPLATE_VARIABLES)
    recipe = render_recipe(pruner, 0.5, "0:0", ["re:.*lm_head"], owl_sparsities=[0.4, 0.6], group_size=16)
    assert "{{" not in recipe


def test_a_new_file_in_pruners_is_a_new_pruner_everywhere(pruners_folder, tmp_path, capsys):
    (pruners_folder / "my_magnitude.yaml").write_text(NEW_RECIPE)
    # Settings and their messages.
    assert read_settings(pruner="my_magnitude").variant == "my_magnitude-0.6"
    with pytest.raises(UserError, match="did you mean my_magnitude"):
        read_settings(pruner="my_magnitud")
    # The sweep's grid, with the axes that the template uses.
    cells = cells_of(Study(pretrained="a", pruner="my_magnitude", sparsity=(0.2, 0.3), mask_structure="2:4"))
    assert [cell.variant for cell in cells] == ["dense", "my_magnitude-0.2", "my_magnitude-0.3"]
    # The commands: the message lists it, and `prune` writes a checkpoint.
    model = save_tiny("llama", tmp_path / "model")
    command = ["prune", "--pretrained", str(model), "--store", "off", "--sparsity", "0.5"]
    assert main([*command, "--out", str(tmp_path / "refused"), "--pruner", "unknown"]) == 2
    assert "my_magnitude" in capsys.readouterr().err
    assert main([*command, "--out", str(tmp_path / "out"), "--pruner", "my_magnitude"]) == 0
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["variant"] == "my_magnitude-0.5"


def test_a_removed_file_is_no_longer_a_pruner(pruners_folder):
    (pruners_folder / "wanda.yaml").unlink()
    assert "wanda" not in pruner_names()
    with pytest.raises(UserError, match="pruner 'wanda' is unknown"):
        prune("embedded", "wanda", store="off")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ sparsty }}", "uses 'sparsty', which is not defined: it may use sparsity, mask_structure"),
        ("{% if %}", "is not a valid Jinja template"),
    ],
)
def test_a_faulty_template_is_reported(tmp_path, text, message):
    path = tmp_path / "faulty.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        template_args(str(path))


ATTACK = '{{ ().__class__.__base__.__subclasses__() }}{{ lipsum.__globals__["os"].system("touch RAN") }}\n' + NEW_RECIPE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ATTACK, "uses 'lipsum', which is not defined"),
        ("{% include 'x' %}", "reads another template"),
        ('{{ "x" * 10**10 }}', "takes more than 2 s of computing"),
        (NEW_RECIPE.replace("[Linear]", "['re:(']"), r"has the pattern (, which is no regular expression (error: missing )"),
        (NEW_RECIPE.replace("[Linear]", "['/tmp/code.py:Name']"), "a text with a colon must be a mask, a device, or a pattern"),
    ],
)
def test_prune_refuses_a_recipe_in_one_line_before_it_loads_the_model(tmp_path, monkeypatch, capsys, text, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(PRUNE_MODULE, "load_model", None)
    Path("evil.yaml").write_text(text)
    command = ["prune", "--pretrained", "embedded", "--pruner", "evil.yaml", "--out", "out", "--store", "off"]
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lm-eval-illusion: error: recipe evil.yaml ")
    assert message in line
    assert [path.name for path in tmp_path.iterdir()] == ["evil.yaml"]


def test_a_recipe_that_changes_while_it_is_used_is_refused(tmp_path, monkeypatch):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(NEW_RECIPE)
    model = save_tiny("llama", tmp_path / "model")
    original = render_recipe

    def render(*arguments, **keywords):
        recipe.write_text(NEW_RECIPE + "# another\n")
        return original(*arguments, **keywords)

    monkeypatch.setattr(PRUNE_MODULE, "render_recipe", render)
    with pytest.raises(UserError, match=r"mine\.yaml changed while it was used: run the same command again"):
        prune(str(model), str(recipe), 0.5, store=str(tmp_path / "store"))


def test_a_recipe_is_a_regular_file_of_limited_size(tmp_path):
    large, fifo = tmp_path / "large.yaml", tmp_path / "fifo.yaml"
    large.write_text("#" * 1_000_001)
    os.mkfifo(fifo)
    for path, message in [
        (large, "more than 1,000,000 bytes"),
        (fifo, "FIFO"),
        ("~nobody-of-this-name/x.yaml", "can't be found"),
    ]:
        with pytest.raises(UserError, match=message):
            template_args(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ sparsity.missing.attribute }}", "can't be filled in"),
        ("1: 2", r"is not valid YAML \(line 1: the key '1' is not a text"),
        ("x: !!python/name:os.system", "is not valid YAML"),
        ("a: [1", "is not valid YAML"),
        ("[1, 2]", "names no modifier"),
        ("a_stage:\n  b_modifiers:\n    GPTQModifier:\n", "names no modifier"),
    ],
)
def test_a_template_that_gives_no_recipe_is_reported(tmp_path, text, message):
    path = tmp_path / "faulty.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        render_recipe(str(path), 0.5, "0:0", [])
