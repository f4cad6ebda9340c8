"""Bits per weight and quantisation groups, on weights set by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.hf_checkpoint import BaseModel, load_model
from lm_eval_illusion.pruning.quantization import (
    bits_of_layers,
    check_levels,
    common_group_size,
    groups_with_one_scale,
    overall_bits,
)
from lm_eval_illusion.pruning.sparsity import prunable_weights
from tests.tiny_models import make_tiny_model


def scheme(strategy, bits=2, group_size=None, block_structure=None):
    return SimpleNamespace(strategy=strategy, num_bits=bits, group_size=group_size, block_structure=block_structure)


def test_groups_that_share_a_scale():
    weight = torch.arange(24).reshape(4, 6)
    assert [group.tolist() for group in groups_with_one_scale(weight, scheme("tensor"))] == [[list(range(24))]]
    assert [group.tolist() for group in groups_with_one_scale(weight, scheme("channel"))] == [weight.tolist()]
    (groups,) = groups_with_one_scale(weight, scheme("group", group_size=3))
    assert groups[:3].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    blocks = [group.tolist() for group in groups_with_one_scale(weight, scheme("block", block_structure=[2, 4]))]
    # Blocks at the right edge are narrower.
    assert blocks == [[[0, 1, 2, 3, 6, 7, 8, 9]], [[4, 5, 10, 11]], [[12, 13, 14, 15, 18, 19, 20, 21]], [[16, 17, 22, 23]]]


def test_more_values_than_the_bits_represent_are_refused():
    weight = torch.tensor([[0.0, 1.0, 2.0, -0.0, 1.0, 2.0], [5.0, 6.0, 7.0, 8.0, 9.0, 5.0]])
    check_levels("layer", weight, scheme("group", group_size=3))
    check_levels("layer", weight, scheme("channel", bits=3))
    with pytest.raises(UserError, match="layer x has a group of weights with 5 values, 2 bits represent 4"):
        check_levels("x", weight, scheme("channel"))
    with pytest.raises(UserError, match="strategy token is not for weights"):
        check_levels("x", weight, scheme("token"))


def test_overall_bits_is_the_mean_over_weights():
    model = make_tiny_model("llama")
    assert overall_bits(model, {}) == 32
    assert overall_bits(model.to(torch.bfloat16), {}) == 16
    names = [name for name, _ in prunable_weights(model)]
    layer_bits = bits_of_layers(model, {name: 4.0 for name in names if "mlp" in name})
    # Each block: attention 80 x 80 twice and 80 x 40 twice, at 16 bits; MLP 80 x 160 three times, at 4 bits.
    assert overall_bits(model, layer_bits) == pytest.approx((19200 * 16 + 38400 * 4) / 57600)
    assert layer_bits["model.layers.0.self_attn.q_proj"] == 16


def test_bits_of_packed_weights_are_unknown():
    model = make_tiny_model("llama")
    layer = model.model.layers[0].mlp.up_proj
    layer.weight = torch.nn.Parameter(torch.zeros(10, 1, dtype=torch.uint8), requires_grad=False)
    assert overall_bits(model, {}) is None


def test_common_group_size_divides_all_rows():
    assert common_group_size(load_model(BaseModel("embedded"))) == 40  # rows of 80 and 280
    model = make_tiny_model("llama")
    assert common_group_size(model) == 80  # 80 and 160
    model.model.layers[0].mlp.up_proj = torch.nn.Linear(72, 160)
    with pytest.raises(UserError, match="share no group of 16 to 128 weights"):
        common_group_size(model)


def test_common_group_size_is_at_most_128():
    model = SimpleNamespace(
        get_output_embeddings=lambda: None,
        named_modules=lambda: [("a", torch.nn.Linear(4096, 1)), ("b", torch.nn.Linear(14336, 1))],
    )
    assert common_group_size(model) == 128
