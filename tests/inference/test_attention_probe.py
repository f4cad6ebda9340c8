"""The structure of attention: who calls transformers' interface with the given mask."""

from __future__ import annotations

import pytest
import torch

from lm_eval_illusion.inference.prefix_support import obstacle_in_attention
from tests.inference.special_models import make_gpt_neo, make_model
from tests.tiny_models import ARCHITECTURES, make_tiny_model

CPU = torch.device("cpu")


def obstacle(model):
    with torch.inference_mode():
        return obstacle_in_attention(model, CPU)


@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
def test_common_models_attend_by_the_given_mask(implementation):
    for arch in ARCHITECTURES:
        model = make_tiny_model(arch)
        model.set_attn_implementation(implementation)
        assert obstacle(model) is None
        assert model.config._attn_implementation == implementation


def test_attention_outside_the_interface_is_named():
    assert obstacle(make_gpt_neo()) == "0 of 4 layers compute attention by transformers' interface"


def test_a_layer_that_is_no_attention_is_an_obstacle():
    with pytest.raises((IndexError, ValueError)):
        obstacle(make_model("lfm2", layer_types=["conv", "full_attention"]))


@pytest.mark.parametrize("change", ["values", "equal copy", "fewer keys"])
def test_a_changed_mask_is_an_obstacle(change):
    model = make_tiny_model("llama")
    attention = model.model.layers[1].self_attn
    forward = attention.forward

    def changed(*positional, attention_mask=None, **named):
        if attention_mask is not None and attention_mask.ndim == 4:
            # Even a copy: whoever makes a mask of his own may make another one for a longer prompt.
            attention_mask = attention_mask.clone()
            if change == "values":
                attention_mask[:, :, -1, 0] = torch.finfo(attention_mask.dtype).min
            if change == "fewer keys":
                attention_mask = attention_mask[:, :, :, :1].expand_as(attention_mask)
        return forward(*positional, attention_mask=attention_mask, **named)

    attention.forward = changed
    assert obstacle(model) == "a layer changes the attention mask"
