"""The dtype of a base model by its name: compared with the dtype of the model that transformers loads."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from lm_eval_illusion.pruning.hf_checkpoint import DTYPES, BaseModel, load_model
from lm_eval_illusion.pruning.loaded_dtype import loaded_dtype
from tests.tiny_models import make_tiny_tokenizer, save_small, save_tiny


def change_config(folder, **fields):
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), **fields}
    path.write_text(json.dumps({name: value for name, value in config.items() if value is not None}))


def stored_as(folder, dtype, first=None):
    """Write the weights in a dtype, the first of them in another one."""
    weights = {name: weight.to(dtype) for name, weight in load_file(folder / "model.safetensors").items()}
    if first is not None:
        weights[min(weights)] = weights[min(weights)].to(first)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def as_pickle(folder):
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def in_shards(folder, **metadata):
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    shards = {"model-00001-of-00002.safetensors": names[:5], "model-00002-of-00002.safetensors": names[5:]}
    for file, inside in shards.items():
        save_file({name: weights[name] for name in inside}, folder / file, metadata={"format": "pt"})
    index = {"metadata": metadata, "weight_map": {name: file for file, inside in shards.items() for name in inside}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


CASES = {
    "stated": (lambda _: None, "float32"),
    "by its old name": (lambda folder: change_config(folder, dtype=None, torch_dtype="bfloat16"), "bfloat16"),
    "stated otherwise than stored": (lambda folder: stored_as(folder, torch.bfloat16), "float32"),
    "not stated": (lambda folder: (change_config(folder, dtype=None), stored_as(folder, torch.float16)), "float16"),
    "mixed": (
        lambda folder: (change_config(folder, dtype=None), stored_as(folder, torch.float16, torch.bfloat16)),
        "bfloat16",
    ),
    "pickled": (
        lambda folder: (change_config(folder, dtype=None), stored_as(folder, torch.bfloat16), as_pickle(folder)),
        "bfloat16",
    ),
    "in shards": (
        lambda folder: (change_config(folder, dtype=None), stored_as(folder, torch.float16), in_shards(folder)),
        "float16",
    ),
    "stated by the index": (
        lambda folder: (change_config(folder, dtype=None), in_shards(folder, dtype="bfloat16")),
        "bfloat16",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_auto_is_what_transformers_loads(tmp_path, case):
    folder = save_tiny("llama", tmp_path / "model")
    change, expected = CASES[case]
    change(folder)
    base = BaseModel(str(folder))
    assert loaded_dtype(base) == expected
    assert str(load_model(base).dtype) == f"torch.{expected}"


@pytest.mark.parametrize("stated", [{"dtype": "bfloat16"}, {"dtype": None, "text_config": "bfloat16"}])
def test_auto_of_a_composite_model(tmp_path, stated):
    folder = save_small("gemma3", tmp_path / "model")
    make_tiny_tokenizer().save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    text = {**config["text_config"], "dtype": stated.get("text_config", "float32")}
    change_config(folder, dtype=stated["dtype"], text_config=text)
    base = BaseModel(str(folder))
    assert f"torch.{loaded_dtype(base)}" == str(load_model(base).dtype)


@pytest.mark.parametrize("name", [name for name in DTYPES if name != "auto"])
def test_every_spelling_of_a_dtype_is_one(tmp_path, name):
    expected = str(getattr(torch, name)).removeprefix("torch.")
    for spelled in (name, f"torch.{name}", getattr(torch, name)):
        assert loaded_dtype(BaseModel("not read", dtype=spelled)) == expected
