"""Which weights of a model are counted and which may be pruned."""

from __future__ import annotations

import pytest
import torch

from lm_eval_illusion.pruning.linear_form import linear_form
from lm_eval_illusion.pruning.weights import block_list, layer_weights, linear_layers_outside, modules_outside, name_pattern
from tests.tiny_models import EXPERT_MODELS, make_small_model, make_tiny_model


def roles(model):
    """Role -> patterns of the names."""
    found = {"prunable": set(), "router": set(), "other": set()}
    for name, _, role in layer_weights(model):
        found[role].add(name_pattern(name))
    return found


ROUTERS = {
    "mixtral": {"model.layers.*.mlp.gate"},
    "qwen2_moe": {"model.layers.*.mlp.gate", "model.layers.*.mlp.shared_expert_gate"},
    "gpt_oss": {"model.layers.*.mlp.router"},
    "nemotron_h": {"model.layers.*.mixer.gate"},
    "llama4_text": {"model.layers.*.feed_forward.router"},
    "dbrx": {"transformer.blocks.*.ffn.router.layer"},
    "longcat_flash": {"model.layers.*.mlp.router.classifier"},
    "jetmoe": {"model.layers.*.mlp.router.layer", "model.layers.*.self_attention.experts.router.layer"},
    "aria_text": {"model.layers.*.mlp.router"},
    "deepseek_v3": {"model.layers.*.mlp.gate"},
    "gemma4_text": {"model.layers.*.router.proj"},
}


@pytest.mark.parametrize("model_type", EXPERT_MODELS)
def test_routers_are_found_as_linear_layers_and_as_bare_parameters(model_type):
    model = make_small_model(model_type)
    assert roles(model)["router"] == ROUTERS[model_type]
    counted = sum(weight.numel() for _, weight, _ in layer_weights(model))
    # Every matrix but the embeddings and the head is counted, each once; GPT-OSS's expert biases are matrices too, but are added.
    skipped = ("embed", "wte", "lm_head", "bias")
    assert counted == sum(
        weight.numel() for name, weight in model.named_parameters() if weight.ndim > 1 and not any(it in name for it in skipped)
    )
    with linear_form(model):
        assert roles(model)["router"] == ROUTERS[model_type]
        assert sum(weight.numel() for _, weight, _ in layer_weights(model)) == counted
        assert all(weight.ndim == 2 for _, weight, role in layer_weights(model) if role == "prunable")


def test_a_gate_of_an_mlp_without_experts_is_no_router():
    model = make_tiny_model("llama")
    assert roles(model)["router"] == set()
    # Four outputs, like a router of four experts, but no experts beside it.
    model.model.layers[0].self_attn.gate = torch.nn.Linear(80, 4)
    assert roles(model)["router"] == set()
    mixtral = make_small_model("mixtral")
    mixtral.model.layers[0].self_attn.gate = torch.nn.Linear(64, 4)
    assert roles(mixtral)["router"] == {"model.layers.*.mlp.gate"}


def test_the_parts_of_a_state_space_model_that_are_no_linear_layers():
    assert roles(make_small_model("mamba"))["other"] == {"backbone.layers.*.mixer.A_log", "backbone.layers.*.mixer.conv1d"} | {
        "backbone.layers.*.mixer.dt_proj"  # four inputs
    }


def test_layers_with_fewer_than_16_inputs_are_not_pruned():
    # The coefficients of Gemma 3n have four inputs.
    assert {"model.layers.*.altup.prediction_coefs", "model.layers.*.altup.correction_coefs"} <= roles(
        make_small_model("gemma3n_text")
    )["other"]
    model = make_tiny_model("llama")
    layer = model.model.layers[0].mlp
    layer.up_proj, layer.down_proj = torch.nn.Linear(15, 4), torch.nn.Linear(16, 4)
    assert roles(model)["other"] == {"model.layers.*.mlp.up_proj"}


def test_towers_and_projectors_are_outside_the_language_model():
    model = make_small_model("gemma3")
    assert modules_outside(model) == ["model.vision_tower", "model.multi_modal_projector"]
    names = [name for name, _, _ in layer_weights(model)]
    assert len(names) == 2 * 7
    assert all(name.startswith("model.language_model.layers.") for name in names)
    outside = linear_layers_outside(model)
    assert outside
    assert all(name.startswith("model.vision_tower.") for name in outside)


def test_a_tower_is_recognised_by_its_name_where_the_configuration_is_one():
    """Phi-4-multimodal holds the towers below the embeddings of its only configuration."""
    model = make_tiny_model("llama")
    model.model.embed_tokens_extend = torch.nn.ModuleDict({"image_embed": torch.nn.Linear(16, 16)})
    model.model.audio_tower = torch.nn.Linear(16, 16)
    assert modules_outside(model) == ["model.embed_tokens_extend", "model.audio_tower"]
    assert len(list(layer_weights(model))) == 2 * 7


def test_a_plain_language_model_has_nothing_outside():
    for arch in ("llama", "gpt2", "gpt_neox"):
        assert modules_outside(make_tiny_model(arch)) == []
        assert linear_layers_outside(make_tiny_model(arch)) == []


def test_a_parameter_of_two_layers_is_counted_once():
    model = make_tiny_model("llama")
    first, second = model.model.layers
    second.mlp.up_proj.weight = first.mlp.up_proj.weight
    assert len(list(layer_weights(model))) == 2 * 7 - 1


def test_the_blocks_are_the_largest_list_of_the_right_length():
    name, blocks = block_list(make_tiny_model("gpt2"))
    assert name == "transformer.h"
    assert len(blocks) == 2
    assert block_list(make_small_model("gemma3"))[0] == "model.language_model.layers"
    model = make_tiny_model("llama")
    model.config.num_hidden_layers = 3
    assert block_list(model) is None
