"""A model is loaded with exactly the tensors of its files, or it is refused; and its size has a limit before it takes memory."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.hf import PrunedHFLM
from lm_eval_illusion.pruning.base_identity import ModelFiles
from lm_eval_illusion.pruning.complete_model import limited_size, refuse_incomplete
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel, load_model

NAME = "model.layers.1.mlp.up_proj.weight"


def change_config(folder, **fields):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def removed(tensors):
    del tensors[NAME]


def renamed(tensors):
    tensors[f"{NAME}.x"] = tensors.pop(NAME)


def reshaped(tensors):
    tensors[NAME] = tensors[NAME].T.contiguous()


def added(tensors):
    tensors["model.layers.2.mlp.up_proj.weight"] = tensors[NAME].clone()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (removed, rf"are missing in its files.*random numbers: 1, such as {NAME}"),
        (renamed, rf"are missing in its files.*: 1, such as {NAME}"),
        (reshaped, rf"have another shape in its files.*: 1, such as {NAME}"),
        (added, r"have no place in a model.*: 1, such as model\.layers\.2\.mlp\.up_proj\.weight"),
    ],
)
def test_other_tensors_than_those_of_the_configuration_are_refused(folder, change, message):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    for load in (lambda: load_model(BaseModel(str(folder))), lambda: PrunedHFLM(str(folder), pruner="none", device="cpu")):
        with pytest.raises(UserError, match=message):
            load()


def test_a_layer_that_the_configuration_leaves_out_is_not_left_out_of_the_model(folder):
    # Without the check, a model of one layer would be measured under the name of the model of two.
    change_config(folder, num_hidden_layers=1)
    assert AutoModelForCausalLM.from_pretrained(folder).config.num_hidden_layers == 1
    with pytest.raises(UserError, match="have no place"):
        load_model(BaseModel(str(folder)))


def test_masks_that_old_versions_saved_and_scales_of_quantised_files_are_no_weights():
    names = [
        "transformer.h.0.attn.bias",
        "h.0.attn.masked_bias",
        "gpt_neox.layers.0.attention.rotary_emb.inv_freq",
        "e.position_ids",
        "transformer.h.0.attn.causal_mask",
        "model.layers.0.self_attn.rotary_emb.cos_cached",
        "model.embed_positions.weights",
        "model.decoder.version",
    ]
    own = [NAME, "model.layers.0.self_attn.q_proj.weight"]
    refuse_incomplete("x", {"unexpected_keys": names}, own, is_quantised=False)
    refuse_incomplete("x", {"unexpected_keys": ["model.layers.0.mlp.up_proj.weight_scale"]}, own, is_quantised=True)
    for name in ("model.layers.0.mlp.up_proj.bias", "model.layers.0.self_attn.q_proj.bias"):
        with pytest.raises(UserError, match="have no place"):
            refuse_incomplete("x", {"unexpected_keys": [name]}, own, is_quantised=False)


def test_a_tensor_that_belongs_to_no_part_of_the_model_is_named_and_left_out(folder, caplog):
    # A value head beside the language model, as reward models have it.
    tensors = load_file(folder / "model.safetensors")
    save_file({**tensors, "v_head.summary.weight": torch.ones(1, 8)}, folder / "model.safetensors", {"format": "pt"})
    model = load_model(BaseModel(str(folder)))
    assert torch.equal(model.get_parameter(NAME), tensors[NAME])
    assert "1 tensors of its files belong to no part of the model, such as v_head.summary.weight" in caplog.text


@pytest.mark.parametrize("fields", [{"vocab_size": 10**10}, {"intermediate_size": 10**9}, {"hidden_size": 10**6}])
def test_a_configuration_that_asks_for_more_than_its_files_can_hold_is_refused_without_data(folder, fields):
    change_config(folder, **fields)
    with pytest.raises(UserError, match=r"its configuration asks for more than .* numbers, its weight files have"):
        load_model(BaseModel(str(folder)))


def test_the_limit_ends_with_the_statement_and_counts_a_place_once(folder):
    files = ModelFiles(str(folder))
    with limited_size(files):
        layer = torch.nn.Linear(10_000, 1000, device="meta")
        for _ in range(10):
            # Ten times ten million numbers in the same place.
            layer.weight = torch.nn.Parameter(torch.empty(1000, 10_000, device="meta"))
        with pytest.raises(UserError, match="asks for more than"):
            torch.nn.Linear(10_000, 10_000, device="meta")
        with pytest.raises(UserError, match=r"a buffer mask of"):
            torch.nn.Module().register_buffer("mask", torch.empty(2**17, 2**17, device="meta"))
    torch.nn.Linear(10_000, 10_000, device="meta")
