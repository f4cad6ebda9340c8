"""The linear form of a model and the way back."""

from __future__ import annotations

import torch
from torch import nn

from lm_eval_illusion.pruning.linear_form import LinearForm, linear_form
from tests.tiny_models import make_small_model, make_tiny_model


def test_conv1d_layers_are_linear_within_and_conv1d_after():
    model = make_tiny_model("gpt2")
    layer = model.transformer.h[0].mlp.c_fc
    weight = layer.weight.detach().clone()
    with linear_form(model) as form, torch.no_grad():
        assert form.stored == {}
        linear = model.transformer.h[0].mlp.c_fc
        assert isinstance(linear, nn.Linear)
        assert torch.equal(linear.weight, weight.T)
        linear.weight[0] = 0
    assert model.transformer.h[0].mlp.c_fc is layer
    assert (layer.weight[:, 0] == 0).all()
    assert torch.equal(layer.weight[:, 1:], weight[:, 1:])


def test_the_names_of_experts_and_what_stores_them():
    model = make_small_model("mixtral")
    with linear_form(model) as form:
        assert form.stored["model.layers.1.mlp.experts.3.up_proj"] == "model.layers.1.mlp.experts.gate_up_proj"
        assert form.stored["model.layers.1.mlp.experts.3.down_proj"] == "model.layers.1.mlp.experts.down_proj"
        assert len(form.stored) == 2 * 4 * 3
        assert all(isinstance(model.get_submodule(name), nn.Linear) for name in form.stored)


def test_values_of_layers_are_averaged_over_a_stored_parameter():
    form = LinearForm({"e.0.gate": "e.gate_up", "e.0.up": "e.gate_up", "e.0.down": "e.down"})
    values = {"e.0.gate": 4.0, "e.0.up": 16.0, "e.0.down": 8.0, "q": 32.0}
    assert form.mean_by_stored(values) == {"e.gate_up": 10.0, "e.down": 8.0, "q": 32.0}
