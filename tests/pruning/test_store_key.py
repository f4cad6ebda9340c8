"""One checkpoint has one key, however its request is spelled; whatever changes the weights changes the key."""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_eval_illusion.models.arguments import HF_NOT_WITH_PRUNING
from lm_eval_illusion.models.pruned import resolve_checkpoint
from lm_eval_illusion.pruning.calibration import calibration_texts
from lm_eval_illusion.pruning.checkpoint_store import key_of
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel, base_revision
from lm_eval_illusion.pruning.prune import within_window
from lm_eval_illusion.pruning.recipes import recipe_template
from lm_eval_illusion.pruning.settings import read_settings
from lm_eval_illusion.pruning.store_key import checkpoint_identity
from tests.gguf_files import write_gguf
from tests.tiny_models import make_tiny_model, save_tiny

SETTINGS = {"calibration": "embedded", "sparsity": 0.5}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return a folder with `model`, a copy and a link of it, one in bfloat16, and the tokenizer alone."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(save_tiny("llama", folder / "model"), folder / "copy")
    (folder / "link").symlink_to(folder / "model")
    shutil.copytree(folder / "model", folder / "bfloat16")
    make_tiny_model("llama").bfloat16().save_pretrained(folder / "bfloat16")
    shutil.copytree(folder / "model", folder / "tokenizer", ignore=shutil.ignore_patterns("model*", "config.json"))
    return folder


def key(pretrained, pruner="wanda", dtype="auto", tokenizer=None, revision="main", **settings):
    base = BaseModel(str(pretrained), revision, dtype, tokenizer=tokenizer and str(tokenizer))
    read = within_window(base, read_settings(pruner, pretrained=str(pretrained), **{**SETTINGS, **settings}))
    return key_of(asdict(checkpoint_identity(base, read, calibration_texts(read), base_revision(*base.files))))


@given(st.data())
@settings(max_examples=30)
def test_spellings_of_one_request_have_one_key(models, data):
    """Whether a value is given at its default, as text or as a number, and where the model's files are."""
    one = models / "model"
    spelled = {
        "pretrained": [one, f"{one}/", f"{one}/.", os.path.relpath(one), models / "copy", models / "link"],
        "dtype": ["auto", "float32", "float", "torch.float32"],
        "tokenizer": [None, one, models / "copy", models / "tokenizer"],
        "revision": ["main", "v1"],  # of a folder there is one
        "sparsity": [0.5, "0.5", ".5", "5e-1", "0.50"],
        "mask_structure": [None, "0:0"],
        "calibration_language": [None, "all"],
        "calibration_samples": [None, 128, "128"],
        "calibration_length": [None, 256, "256"],
        "pruning_seed": [None, 0, "0"],
    }
    chosen = {name: data.draw(st.sampled_from(values), name) for name, values in spelled.items()}
    always = ("pretrained", "tokenizer")
    assert key(**{name: value for name, value in chosen.items() if value is not None or name in always}) == key(one)


@pytest.mark.parametrize(
    "change",
    [
        *({"dtype": dtype} for dtype in ("bfloat16", "half", "torch.float64")),
        {"pretrained": "bfloat16"},
        {"pruner": "sparsegpt"},
        {"sparsity": "0.5000001"},
        {"sparsity": None, "mask_structure": "2:4"},
        {"calibration_language": "fi"},
        {"calibration_samples": 127},
        {"calibration_length": 255},
        {"pruning_seed": 1},
    ],
)
def test_a_request_for_other_weights_has_another_key(models, change):
    changed = {**change, "pretrained": models / change.get("pretrained", "model")}
    assert key(**changed) != key(models / "model")


def test_a_model_of_16_bits_has_one_key_by_every_spelling(models):
    model = models / "bfloat16"
    assert key(model) == key(model, dtype="bfloat16") == key(model, dtype="torch.bfloat16") != key(model, dtype="float32")


def test_another_tokenizer_has_another_key(models, tmp_path):
    other = shutil.copytree(models / "tokenizer", tmp_path / "other")
    settings = other / "tokenizer_config.json"
    settings.write_text(settings.read_text() + "\n")
    assert key(models / "model", tokenizer=other) != key(models / "model")


def test_defaults_of_owl_and_the_name_of_a_recipe_do_not_matter(models, tmp_path):
    model, recipe = models / "model", tmp_path / "mine.yaml"
    assert key(model, "owl", owl_lambda="0.08", owl_m=5) == key(model, "OWL")
    recipe.write_text(recipe_template("wanda"))
    assert key(model, str(recipe)) == key(model)


def test_a_method_without_data_has_one_key_whatever_text_is_given(models):
    model = models / "model"
    assert key(model, "magnitude", calibration_language="fi", pruning_seed=3) == key(model, "magnitude")


@pytest.mark.parametrize("dtype", ["auto", "float32", "torch.float32", "float", None])
def test_the_model_classes_find_the_checkpoint_by_every_spelling_of_its_dtype(models, tmp_path_factory, dtype):
    store = tmp_path_factory.getbasetemp() / "spelled"
    arguments = {"pruner": "magnitude", "sparsity": 0.5, "store": str(store), "dtype": dtype}
    resolve_checkpoint(str(models / "model"), arguments, HF_NOT_WITH_PRUNING)
    assert len([entry for entry in store.iterdir() if not entry.name.startswith(".")]) == 1
    # lm_eval takes neither of the two.
    assert arguments.get("dtype", "left out") not in (None, "torch.float32")


def test_a_pruned_gguf_file_is_known_by_the_content_of_the_file(tmp_path, monkeypatch):
    """The folder of its numbers depends on the version of transformers, which writes its own version into config.json."""
    file, keys, configs = tmp_path / "tiny.Q8_0.gguf", [], []
    write_gguf(file, "Q8_0")
    for version, dtype in (("5.0.0", "auto"), ("5.99.0", "float32")):
        monkeypatch.setattr("transformers.configuration_utils.__version__", version)
        store = str(tmp_path / version)
        dense = resolve_checkpoint(str(file), {"pruner": "none", "store": store}, HF_NOT_WITH_PRUNING)
        pruned = resolve_checkpoint(
            str(file), {"pruner": "magnitude", "sparsity": 0.5, "store": store, "dtype": dtype}, HF_NOT_WITH_PRUNING
        )
        keys.append((Path(dense.path).name, Path(pruned.path).name))
        configs.append(Path(dense.path, "config.json").read_text())
    assert keys[0] == keys[1]
    assert configs[0] != configs[1]
