"""Models that arguments name: a base model with an adapter of its own, and names without a model."""

from __future__ import annotations

import shutil

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.arguments import HF_NOT_WITH_PRUNING
from lm_eval_illusion.models.hf import PrunedHFLM
from lm_eval_illusion.models.pruned import resolve_checkpoint
from lm_eval_illusion.pruning.export import export_command
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel, load_model
from lm_eval_illusion.pruning.settings import read_settings
from tests.quantised_checkpoints import save_adapter
from tests.tiny_models import save_tiny


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return a folder with `dense`, `adapter` of it, and `both`: one folder with the files of both."""
    folder = tmp_path_factory.mktemp("models")
    save_adapter(save_tiny("llama", folder / "dense"), folder / "adapter")
    shutil.copytree(folder / "dense", folder / "both")
    shutil.copytree(folder / "adapter", folder / "both", dirs_exist_ok=True)
    return folder


def resolved(folder, **arguments):
    return resolve_checkpoint(str(folder), arguments, HF_NOT_WITH_PRUNING).manifest


def has_adapter(folder):
    return any("lora" in name for name, _ in load_model(BaseModel(str(folder))).named_parameters())


@pytest.mark.parametrize("pruner", ["none", "magnitude"])
def test_a_model_with_an_adapter_in_its_folder_is_neither_measured_as_dense_nor_pruned(models, tmp_path, pruner):
    # transformers adds the adapter without an argument, so the loaded model is not the dense one.
    assert [has_adapter(models / name) for name in ("dense", "both")] == [False, True]
    with pytest.raises(UserError, match=r"'.*both' also holds an adapter .* give that as peft=FOLDER"):
        PrunedHFLM(str(models / "both"), pruner=pruner, device="cpu", store=str(tmp_path))
    # The remedy: the same two models by two arguments.
    assert resolved(models / "dense", pruner="none", peft=str(models / "adapter")).variant == "peft-adapter"


def test_an_adapter_in_the_subfolder_that_is_loaded_counts_and_one_elsewhere_does_not(models, tmp_path):
    for name, inner in (("outer", "dense"), ("inner", "both")):
        shutil.copytree(models / inner, tmp_path / name / "part")
    shutil.copy(models / "adapter" / "adapter_config.json", tmp_path / "outer")
    assert resolved(tmp_path / "outer", pruner="none", subfolder="part").variant == "dense"
    with pytest.raises(UserError, match="also holds an adapter"):
        resolved(tmp_path / "inner", pruner="none", subfolder="part")


def test_an_adapter_alone_is_no_base_model(models, tmp_path):
    remedy = rf"is an adapter, not a model .* give pretrained={models / 'dense'},peft={models / 'adapter'}"
    with pytest.raises(UserError, match=remedy):
        resolved(models / "adapter", pruner="none")
    with pytest.raises(UserError, match=remedy):
        export_command(
            BaseModel(str(models / "adapter")), read_settings("magnitude", 0.5, store=str(tmp_path)), tmp_path / "out"
        )


@pytest.mark.parametrize(
    ("arguments", "begins"),
    [
        ({"peft": "no/such"}, "peft 'no/such' is neither"),
        ({"delta": "no/such"}, "delta 'no/such' is neither"),
        ({"lora_local_path": "no/such"}, "lora_local_path 'no/such' is neither"),
        ({"tokenizer": "no/such"}, "tokenizer 'no/such' is neither"),
        ({"tokenizer": "no/such", "pruner": "magnitude", "store": "off"}, "tokenizer 'no/such' is neither"),
    ],
)
def test_the_message_names_the_argument_that_names_no_model(models, monkeypatch, arguments, begins):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError) as error:
        resolved(models / "dense", **{"pruner": "none", **arguments})
    assert str(error.value).startswith(begins)
    assert "pretrained" not in str(error.value)
    assert "\n" not in str(error.value)


def test_without_the_base_model_its_own_name_comes_first(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"^pretrained 'no/model' is neither"):
        resolved("no/model", pruner="none", tokenizer="no/such", peft="no/such")
