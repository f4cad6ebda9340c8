"""A study with a quantised base model is refused before the first cell runs."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.sweep import base_models, contents
from lm_eval_illusion.sweep.base_models import refuse_absent_models, refuse_quantized_models
from lm_eval_illusion.sweep.command import SweepOptions, sweep_command
from lm_eval_illusion.sweep.contents import with_contents
from lm_eval_illusion.sweep.grid import cells_of
from lm_eval_illusion.sweep.study import Study
from tests.gguf_files import write_gguf
from tests.tiny_models import save_tiny


@pytest.fixture
def quantised(tmp_path):
    folder = save_tiny("llama", tmp_path / "quantised")
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "awq", "bits": 4}
    (folder / "config.json").write_text(json.dumps(config))
    return str(folder)


def test_it_is_refused_before_any_cell(quantised, tmp_path):
    study = Study(pretrained=[quantised], pruner=["wanda"], sparsity=[0.5])
    with pytest.raises(UserError, match=r"quantised is already quantised or compressed \(awq-int4, awq\)"):
        sweep_command(study, tmp_path / "out", SweepOptions())
    assert not (tmp_path / "out").exists()


def test_a_folder_of_gguf_files_without_the_name_of_one_is_refused_before_any_cell(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "x.Q4_1.gguf").touch()
    with pytest.raises(
        UserError, match=r"model has no weights but GGUF files \(x\.Q4_1\.gguf\): give one of them as gguf_file=NAME"
    ):
        sweep_command(Study(pretrained=[str(tmp_path / "model")]), tmp_path / "out", SweepOptions())
    assert not (tmp_path / "out").exists()


def test_it_may_be_measured_as_it_is_and_a_model_that_is_not_here_is_left_to_its_cell(quantised):
    study = Study(
        pretrained=["org/not-here"], pruner=["wanda"], sparsity=[0.5], include=[{"pretrained": quantised, "pruner": "none"}]
    )
    refuse_quantized_models(cells_of(study))


@pytest.mark.parametrize("is_online", [False, True])
def test_a_sweep_without_any_model_is_refused_where_the_hub_is_silent(monkeypatch, is_online):
    for module in (base_models, contents):
        monkeypatch.setattr(module, "hub_answers", lambda: is_online)

    def unknown(*place):
        raise UserError("the hub knows no such model")

    monkeypatch.setattr("lm_eval_illusion.pruning.hf_checkpoint.hub_commit", unknown)
    monkeypatch.setattr(contents, "_hub_commit", lambda name, revision: contents.NOT_FOUND)
    absent = with_contents(cells_of(Study(pretrained=["org/b", "org/a"], sparsity=0.5)))
    refuse_absent_models(with_contents(cells_of(Study(pretrained=["embedded", "org/a"], sparsity=0.5))))
    if is_online:
        # Each cell then reports what the hub says about its name.
        refuse_absent_models(absent)
        return
    with pytest.raises(UserError, match=r"none of the models is a folder or in its cache \(org/a, org/b\): go online, or give"):
        refuse_absent_models(absent)


def test_a_gguf_file_is_pruned_whatever_is_in_its_folder(quantised, tmp_path):
    write_gguf(tmp_path / "quantised" / "tiny.Q4_0.gguf", "Q4_0")
    by_argument = Study(pretrained=[quantised], pruner=["wanda"], sparsity=[0.5], model_args={"gguf_file": "tiny.Q4_0.gguf"})
    by_path = Study(pretrained=[f"{quantised}/tiny.Q4_0.gguf"], pruner=["wanda"], sparsity=[0.5])
    for study in (by_argument, by_path):
        refuse_quantized_models(with_contents(cells_of(study)))


def test_a_changed_gguf_file_makes_new_cells(tmp_path):
    file = tmp_path / "model" / "tiny.gguf"
    studies = [Study(pretrained=[str(file)]), Study(pretrained=[str(file.parent)], model_args={"gguf_file": "tiny.gguf"})]
    write_gguf(file, "Q4_0")
    before = [{cell.name for cell in with_contents(cells_of(study))} for study in studies]
    write_gguf(file, "Q8_0")
    after = [{cell.name for cell in with_contents(cells_of(study))} for study in studies]
    assert not before[0] & after[0]
    assert not before[1] & after[1]
