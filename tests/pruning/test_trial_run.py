"""Forward passes before pruning: uncalled layers, and models that can't be calibrated block by block."""

from __future__ import annotations

import pytest
import torch

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.linear_form import linear_form
from lm_eval_illusion.pruning.trial_run import block_classes, calls_of, root_cause, uncalled_layers, working_pipeline
from tests.tiny_models import make_small_model, make_tiny_model

IDS = [list(range(3, 43))]


def uncalled(model):
    with linear_form(model) as form:
        return uncalled_layers(model, form, IDS)


def test_a_layer_that_is_used_without_its_forward_function_is_uncalled():
    # 16 inputs, so that its size does not exclude it.
    model = make_small_model("mamba", time_step_rank=16)
    assert uncalled(model) == {"backbone.layers.0.mixer.dt_proj", "backbone.layers.1.mixer.dt_proj"}
    assert uncalled(make_tiny_model("llama")) == frozenset()


def test_an_expert_without_a_token_is_not_uncalled():
    model = make_small_model("mixtral")
    with torch.no_grad():
        for layer in model.model.layers:
            layer.mlp.gate.weight.zero_()  # all tokens go to the first two experts
    assert uncalled(model) == frozenset()


def test_the_models_own_error_is_one_line():
    model = make_tiny_model("llama")
    del model.model.layers[1].mlp.act_fn
    with pytest.raises(
        UserError, match=r"LlamaForCausalLM can't be run on the calibration text \(AttributeError: 'LlamaMLP' .* 'act_fn'"
    ):
        uncalled(model)


def test_a_model_that_changes_its_own_weights_is_refused():
    """RWKV divides the weights of later blocks when it is run, and would do so again when the saved ones are loaded."""
    with pytest.raises(
        UserError,
        match=r"RwkvForCausalLM changes its own weights when it is run \(rwkv\.blocks\.0\.attention\.output\.weight\)",
    ):
        uncalled(make_small_model("rwkv"))


def test_a_layer_called_with_no_token_does_not_count():
    model = make_tiny_model("llama")
    with calls_of(model, ["model.layers.0.mlp.up_proj", "model.layers.0.mlp.gate_proj"]) as called:
        model.model.layers[0].mlp.up_proj(torch.zeros(0, 80))
        model.model.layers[0].mlp.gate_proj(torch.zeros(1, 80))
    assert called == {"model.layers.0.mlp.gate_proj"}
    assert not any(module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize("model_type", ["gemma3n_text", "mamba", "gemma3"])
def test_models_that_run_block_by_block(model_type):
    assert working_pipeline(make_small_model(model_type), IDS) == "sequential"


def test_a_model_whose_blocks_give_other_states_is_calibrated_at_once():
    """The second block reads what the first one left on the model: after the trace, that is another text's."""
    model = make_tiny_model("llama")
    first, second = model.model.layers
    assert working_pipeline(model, IDS) == "sequential"
    runs = []

    def leave(_, __, output):
        runs.append(output)
        return output

    def take(_, arguments):
        # In the second run, which is block by block, a state from elsewhere.
        return arguments if len(runs) == 1 else (torch.ones_like(arguments[0]),)

    first.register_forward_hook(leave)
    second.register_forward_pre_hook(take)
    assert working_pipeline(model, IDS) == "basic"


def test_a_model_that_can_not_be_traced_is_calibrated_at_once_and_keeps_its_attributes():
    class Stateful(torch.nn.Module):
        def forward(self, hidden_states):
            self.last = hidden_states
            if bool(hidden_states.sum() > 0):  # a tracer can't decide
                return hidden_states
            return hidden_states * 1.0

    model = make_tiny_model("llama")
    model.model.norm = torch.nn.Sequential(model.model.norm, Stateful())
    inner = model.model.forward

    def forward(*args, **kwargs):
        output = inner(*args, **kwargs)
        model.seen = output
        if bool(output.last_hidden_state.sum() > 1e9):
            raise ValueError("never")
        return output

    model.model.forward = forward
    model.seen = "before"
    pipeline = working_pipeline(model, IDS)
    assert pipeline == "basic"
    assert not isinstance(model.seen, torch.fx.Proxy)


def test_the_classes_of_the_blocks():
    assert block_classes(make_tiny_model("gpt2")) == ["GPT2Block"]
    assert block_classes(make_small_model("gemma3")) == ["Gemma3DecoderLayer"]


def test_the_root_cause_is_the_first_exception():
    error = RuntimeError("a page of source text")
    error.__cause__ = KeyError("q")
    assert root_cause(error) == "KeyError: 'q'"
