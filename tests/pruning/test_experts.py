"""Modules that hold all experts in one parameter: as Linear layers they compute the same, and the weights come back."""

from __future__ import annotations

import pytest
import torch

from lm_eval_illusion.pruning.experts import expert_parameters, linear_experts
from lm_eval_illusion.pruning.linear_form import linear_form
from tests.tiny_models import EXPERT_MODELS, make_small_model

IDS = torch.arange(3, 43).reshape(2, 20)


def logits(model):
    with torch.no_grad():
        return model(input_ids=IDS).logits


@pytest.mark.parametrize("model_type", EXPERT_MODELS)
def test_linear_layers_compute_what_the_experts_compute(model_type):
    model = make_small_model(model_type)
    expected = logits(model)
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    with linear_form(model) as form:
        assert form.stored
        torch.testing.assert_close(logits(model), expected, rtol=1e-4, atol=1e-4)
    assert {name: torch.equal(weight, before[name]) for name, weight in model.named_parameters()} == dict.fromkeys(before, True)


@pytest.mark.parametrize("model_type", EXPERT_MODELS)
def test_what_is_done_to_the_layers_is_in_the_stored_parameters(model_type):
    """Each layer is changed by another factor and gets zeros: only if each part is written to its place, the outputs are the same."""
    model = make_small_model(model_type)
    with linear_form(model) as form, torch.no_grad():
        zeros = 0
        for number, name in enumerate(form.stored):
            layer = model.get_submodule(name)
            weight = layer.weight * (1 + 0.1 * number)
            weight[::2, ::3] = 0
            zeros += int((weight == 0).sum())
            layer.weight.data = weight  # as the quantiser does: new storage
        changed = logits(model)
    torch.testing.assert_close(logits(model), changed, rtol=1e-4, atol=1e-4)
    parameters = [weight for module in model.modules() for _, weight in expert_parameters(module)]
    assert sum(int((weight == 0).sum()) for weight in parameters) == zeros


def test_the_layout_of_a_stored_expert_is_outputs_by_inputs():
    # GPT-OSS stores [experts, inputs, outputs], Mixtral [experts, outputs, inputs]; 64 inputs give 128 gate and up outputs.
    for model_type in ("gpt_oss", "mixtral"):
        experts = next(module for module in make_small_model(model_type).modules() if expert_parameters(module))
        assert [(name, tuple(weight.shape)) for name, weight in expert_parameters(experts)] == [
            ("gate_up_proj", (4, 128, 64)),
            ("down_proj", (4, 64, 64)),
        ]


def test_gate_and_up_of_gpt_oss_are_taken_in_turn():
    experts = next(module for module in make_small_model("gpt_oss").modules() if expert_parameters(module))
    layers = linear_experts(experts)
    assert torch.equal(layers[1].gate_proj.weight, experts.gate_up_proj[1].T[0::2])
    assert torch.equal(layers[1].up_proj.weight, experts.gate_up_proj[1].T[1::2])
    assert torch.equal(layers[1].up_proj.bias, experts.gate_up_proj_bias[1][1::2])
    assert torch.equal(layers[1].down_proj.weight, experts.down_proj[1].T)


def test_a_module_without_experts_has_none():
    assert expert_parameters(torch.nn.Linear(4, 4)) == []
    with pytest.raises(TypeError, match="Linear holds no experts of a known layout"):
        linear_experts(torch.nn.Linear(4, 4))


def test_llmcompressor_gives_every_expert_every_token():
    """The outputs stay those of the chosen experts."""
    from llmcompressor.modeling.moe.context import moe_calibration_context

    model = make_small_model("mixtral")
    with linear_form(model) as form:
        seen = dict.fromkeys(form.stored, 0)

        def count(name):
            return lambda _, arguments: seen.update({name: seen[name] + len(arguments[0])})

        for name in form.stored:
            model.get_submodule(name).register_forward_pre_hook(count(name))
        chosen_only = logits(model)
        # Two experts for each of 40 tokens, in each of two layers.
        assert sum(tokens for name, tokens in seen.items() if name.endswith("down_proj")) == 2 * 2 * 40
        seen.update(dict.fromkeys(seen, 0))
        with moe_calibration_context():
            torch.testing.assert_close(logits(model), chosen_only, rtol=1e-5, atol=1e-5)
        assert set(seen.values()) == {40}
