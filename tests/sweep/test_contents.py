"""A cell is keyed by the contents of what it reads: a change of any of them makes a new cell, and nothing else does."""

from __future__ import annotations

import shutil

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.files import packaged_folder
from lm_eval_illusion.sweep import contents
from lm_eval_illusion.sweep.contents import NOT_DOWNLOADED, NOT_FOUND, changed_inputs, refuse_changed, with_contents
from lm_eval_illusion.sweep.grid import cells_of
from lm_eval_illusion.sweep.study import Study

OWN_RECIPE = """
pruning_stage:
  pruning_modifiers:
    SparseGPTModifier: {sparsity: {{ sparsity }}, ignore: {{ ignore }}}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with every kind of input, which is the working folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("model", "tokenizer", "adapter"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
        (tmp_path / name / "model.safetensors").write_text("weights")
    (tmp_path / "mine.yaml").write_text(OWN_RECIPE)
    for name in ("calibration.txt", "items.jsonl", "template.jinja"):
        (tmp_path / name).write_text("text")
    return tmp_path


def study(**more):
    arguments = {"tokenizer": "tokenizer", "calibration": "calibration.txt", "chat_template": "template.jinja"}
    return Study(
        **{
            "pretrained": "model",
            "pruner": ["wanda", "magnitude", "mine.yaml"],
            "sparsity": 0.5,
            "tasks": ["mqa_illusion_xquad_en_mc"],
            "model_args": {"peft": "adapter", **arguments},
            "metadata": {"items": "items.jsonl"},
            **more,
        }
    )


def names_by_variant(**more):
    return {cell.variant: cell.name for cell in with_contents(cells_of(study(**more)))}


ALL = {"dense", "wanda-0.5,text=calibration", "magnitude-0.5", "mine-0.5,text=calibration"}


@pytest.mark.parametrize(
    ("path", "label", "variants"),
    [
        ("model/config.json", "model model", ALL),
        ("model/model.safetensors", "model model", ALL),
        ("tokenizer/config.json", "tokenizer tokenizer", ALL),
        ("adapter/model.safetensors", "peft adapter", ALL),
        ("items.jsonl", "items items.jsonl", ALL),
        ("template.jinja", "chat_template template.jinja", ALL),
        ("mine.yaml", "recipe mine.yaml", {"mine-0.5,text=calibration"}),
        # Neither the dense model nor magnitude pruning reads the calibration text.
        ("calibration.txt", "calibration calibration.txt", {"wanda-0.5,text=calibration", "mine-0.5,text=calibration"}),
    ],
)
def test_a_changed_input_makes_a_new_cell_where_it_is_read(folder, path, label, variants):
    before = {cell.variant: cell for cell in with_contents(cells_of(study()))}
    file = folder / path
    file.write_text('{"changed": true}' if file.suffix == ".json" else file.read_text() + "\n# changed")
    after = {cell.variant: cell for cell in with_contents(cells_of(study()))}
    assert before.keys() == after.keys() == ALL
    assert {variant for variant in ALL if before[variant].name != after[variant].name} == variants
    for variant in ALL:
        expected = [label] if variant in variants else []
        assert changed_inputs(after[variant].request.inputs, before[variant].request.inputs) == expected
        # The name of the position stays, so that the earlier run is found.
        assert before[variant].slot == after[variant].slot


def test_the_same_contents_give_the_same_cells(folder):
    before = names_by_variant()
    for path in folder.rglob("*.*"):
        path.touch()
    (folder / "adapter" / "__pycache__").mkdir()
    (folder / "adapter" / "__pycache__" / "code.pyc").write_text("compiled")
    assert names_by_variant() == before
    assert len(set(before.values())) == len(ALL)


def test_a_folder_with_the_name_of_another_value_is_no_input(folder):
    more = {"calibration_language": ["en"], "model_args": {"dtype": "float32"}}
    before = names_by_variant(**more)
    for name in ("en", "float32"):
        # For example the output folder of the sweep.
        (folder / name).mkdir()
        (folder / name / "results.json").write_text("{}")
    assert names_by_variant(**more) == before


def test_the_tasks_of_the_family_and_the_packaged_recipe_count(folder, monkeypatch):
    before = names_by_variant()
    tasks, pruners = (
        shutil.copytree(packaged_folder(f"lm_eval_illusion.{name}"), folder / name) for name in ("tasks", "pruners")
    )
    monkeypatch.setattr("lm_eval_illusion.tasks.__path__", [str(tasks)])
    monkeypatch.setattr("lm_eval_illusion.pruners.__path__", [str(pruners)])
    (tasks / "mqa_illusion_tydiqa" / "family.yaml").write_text("of another family")
    (pruners / "gptq.yaml").write_text("of another method")
    assert names_by_variant() == before
    (pruners / "magnitude.yaml").write_text((pruners / "magnitude.yaml").read_text() + "\n# changed")
    assert {variant for variant, name in names_by_variant().items() if name != before[variant]} == {"magnitude-0.5"}
    (tasks / "mqa_illusion_xquad" / "family.yaml").write_text("changed")
    assert not set(names_by_variant().values()) & set(before.values())


def test_each_input_is_hashed_once(folder, monkeypatch):
    hashed = []
    # One hash of a file is enough for the four cells that read it.
    monkeypatch.setattr(contents, "file_sha256", lambda path: hashed.append(path.name) or "0")
    with_contents(cells_of(study()))
    assert [hashed.count(name) for name in ("items.jsonl", "calibration.txt", "template.jinja")] == [1, 1, 1]


def test_a_cell_whose_input_changes_while_the_sweep_runs_is_refused(folder):
    cells = {cell.variant: cell for cell in with_contents(cells_of(study()))}
    for cell in cells.values():
        refuse_changed(cell)
    (folder / "mine.yaml").write_text(OWN_RECIPE + "# changed")
    refuse_changed(cells["wanda-0.5,text=calibration"])
    with pytest.raises(UserError, match=r"recipe mine\.yaml changed while the sweep ran: run the same command again"):
        refuse_changed(cells["mine-0.5,text=calibration"])


def test_code_subfolder_and_gguf_file_of_a_model_count(folder):
    arguments = {"trust_remote_code": True, "subfolder": "part", "gguf_file": "small.gguf"}
    (folder / "model" / "part").mkdir()
    for name in ("part/config.json", "part/small.gguf", "code.py"):
        (folder / "model" / name).write_text("{}")
    before = with_contents(cells_of(study(model_args=arguments)))[0]
    changed = {}
    for name in ("part/config.json", "part/small.gguf", "code.py"):
        (folder / "model" / name).write_text('{"changed": true}')
        after = with_contents(cells_of(study(model_args=arguments)))[0]
        changed[name] = changed_inputs(after.request.inputs, before.request.inputs)
        (folder / "model" / name).write_text("{}")
    assert changed["part/config.json"] == ["model model"]
    assert "gguf_file small.gguf" in changed["part/small.gguf"]
    assert changed["code.py"] == ["code of model"]


def test_an_input_that_cannot_be_read_is_an_error_before_any_cell_runs(folder):
    with pytest.raises(UserError, match=r"items missing\.jsonl can't be read \(No such file or directory\): give one that can"):
        names_by_variant(metadata={"items": "missing.jsonl"})


def test_a_missing_model_fails_in_its_cell_and_is_a_new_cell_once_it_is_there(folder, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    path = str(folder / "later")
    (before, *_) = with_contents(cells_of(study(pretrained=path)))
    assert before.request.inputs[f"model {path}"] == NOT_FOUND
    shutil.copytree(folder / "model", path)
    (after, *_) = with_contents(cells_of(study(pretrained=path)))
    assert changed_inputs(after.request.inputs, before.request.inputs) == [f"model {path}"]


def test_a_plan_takes_the_commit_in_the_cache_and_asks_nobody(folder, monkeypatch):
    monkeypatch.setattr(contents, "hub_answers", lambda: pytest.fail("the hub was asked"))
    monkeypatch.setattr(contents, "commit_of_file", lambda *names: pytest.fail("a file was downloaded"))
    snapshot = folder / "hub" / "models--org--cached" / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("a" * 40)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder / "hub"))
    plan = with_contents(cells_of(study(pretrained=["org/cached", "org/elsewhere"])), ask_hub=False)
    found = {(label, content) for cell in plan for label, content in cell.request.inputs.items() if label.startswith("model ")}
    assert found == {("model org/cached", "a" * 40), ("model org/elsewhere", NOT_DOWNLOADED)}
    # All else is as in a run, so that a plan finds the cells that are done.
    monkeypatch.setattr(contents, "hub_answers", lambda: False)
    assert plan[:4] == with_contents(cells_of(study(pretrained=["org/cached"])))


def test_a_silent_hub_is_not_asked_for_each_file(folder, monkeypatch):
    monkeypatch.setattr(contents, "hub_answers", lambda: False)
    monkeypatch.setattr(contents, "commit_of_file", lambda *names: pytest.fail("the client would try for half a minute"))
    (cell, *_) = with_contents(cells_of(study(pretrained="org/elsewhere", model_args={})))
    assert cell.request.inputs["model org/elsewhere"] == NOT_FOUND
