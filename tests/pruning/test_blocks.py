"""The transformer blocks of real architectures, found without knowing the architecture."""

from __future__ import annotations

import pytest
import torch

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.owl import layers_of_blocks
from lm_eval_illusion.pruning.sparsity import prunable_weights
from tests.tiny_models import ARCHITECTURES, make_tiny_model

NAMES = {"gpt_neox": "gpt_neox.layers", "gpt2": "transformer.h"}


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_prunable_layer_belongs_to_the_block_in_its_name(arch):
    model = make_tiny_model(arch)
    blocks = layers_of_blocks(model)
    name = NAMES.get(arch, "model.layers")
    assert list(blocks) == [f"{name}.0", f"{name}.1"]
    assert sorted(layer for layers in blocks.values() for layer in layers) == sorted(
        layer for layer, _ in prunable_weights(model)
    )
    assert all(layer.startswith(f"{block}.") for block, layers in blocks.items() for layer in layers)


def test_a_list_of_smaller_modules_is_not_the_blocks():
    model = make_tiny_model("llama")
    model.aside = torch.nn.ModuleList([torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)])
    assert list(layers_of_blocks(model)) == ["model.layers.0", "model.layers.1"]


def test_a_model_without_blocks_is_refused():
    model = make_tiny_model("llama")
    model.config.num_hidden_layers = 7
    with pytest.raises(UserError, match="has no list of 7 blocks"):
        layers_of_blocks(model)
