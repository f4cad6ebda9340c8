"""Local attention is found whatever the configuration calls it; what may be shared, and up to which length."""

from __future__ import annotations

import pytest
import torch
from transformers.models.llama import modeling_llama

from lm_eval_illusion.inference.prefix_support import max_shared_length, obstacle_to_sharing
from tests.inference.special_models import make_gpt_neo, make_long_rope, make_model
from tests.tiny_models import make_tiny_model

CPU = torch.device("cpu")
REACH = 256


def shared_length(model, max_length=1024):
    with torch.inference_mode():
        return max_shared_length(model, max_length, CPU)


def obstacle(model, prompt_length):
    with torch.inference_mode():
        return obstacle_to_sharing(model, CPU, prompt_length)


@pytest.fixture
def local_llama(monkeypatch):
    """A Llama whose own masks show the last 256 tokens, while a given mask of four dimensions is obeyed: its structure is faultless."""
    full = modeling_llama.create_causal_mask

    def local(attention_mask=None, inputs_embeds=None, past_key_values=None, **settings):
        if attention_mask is not None and attention_mask.ndim == 4:
            return attention_mask
        mask = full(attention_mask=attention_mask, inputs_embeds=inputs_embeds, past_key_values=past_key_values, **settings)
        queries = inputs_embeds.shape[1]
        earlier = past_key_values.get_seq_length() if past_key_values is not None else 0
        keys = torch.arange(earlier + queries)
        distance = keys[-queries:, None] - keys
        visible = (distance >= 0) & (distance < REACH)
        return visible[None, None] if mask is None else mask & visible

    monkeypatch.setattr(modeling_llama, "create_causal_mask", local)
    return make_tiny_model("llama")


@pytest.mark.parametrize("deviation", [0.2, 0.02])
def test_a_window_of_another_name_is_seen_by_a_prompt_that_is_longer(local_llama, deviation):
    if deviation == 0.02:
        # The usual initial weights: attention is nearly uniform, and a window changes little.
        torch.manual_seed(0)
        for parameter in local_llama.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=deviation)
    assert obstacle(local_llama, REACH - 4) is None
    assert "apart in a trial" in obstacle(local_llama, REACH + 8)
    local_llama.config.reach = [{"of": REACH}]
    assert shared_length(local_llama) == 0
    # Prompts within the window can be shared.
    assert shared_length(local_llama, REACH) == REACH


def test_gpt_neo_is_not_shared():
    model = make_gpt_neo()
    assert shared_length(model) == 0
    # Its structure excludes it whatever the length of the trial.
    assert obstacle(model, 24) == "0 of 4 layers compute attention by transformers' interface"


def test_a_growing_rope_is_shared_up_to_the_trained_length():
    assert shared_length(make_long_rope()) == 32


def test_a_number_that_is_too_long_for_a_trial_bounds_the_shared_length():
    model = make_tiny_model("llama")
    model.config.some_reach = 2000
    assert shared_length(model, 4096) == 1000


@pytest.mark.parametrize(
    ("model_type", "fields"),
    [
        ("qwen2_moe", {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}),
        ("gpt_oss", {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 512, "head_dim": 16}),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_experts_and_sinks_are_shared_in_any_precision(model_type, fields, dtype):
    model = make_model(model_type, **fields)
    assert shared_length(model.to(dtype)) == fields.get("sliding_window", 1024)


def test_a_trial_fits_into_any_window():
    for length in (1, 2, 3, 7, 30):
        assert shared_length(make_tiny_model("llama"), length) == length


class ConstantWindow(modeling_llama.LlamaAttention):
    """Code of a model's own: a window that is a constant, and changes the mask only beyond it."""

    def forward(self, hidden_states, position_embeddings=None, attention_mask=None, past_key_values=None, **settings):
        queries = hidden_states.shape[1]
        earlier = past_key_values.get_seq_length(self.layer_idx) if past_key_values is not None else 0
        keys = torch.arange(earlier + queries)
        far = keys[-queries:, None] - keys >= REACH
        if attention_mask is None:
            attention_mask = ((keys[-queries:, None] >= keys) & ~far)[None, None]
        elif far.any() and attention_mask.dtype == torch.bool:
            attention_mask = attention_mask & ~far
        elif far.any():
            attention_mask = attention_mask.masked_fill(far, torch.finfo(attention_mask.dtype).min)
        return super().forward(
            hidden_states, position_embeddings, attention_mask=attention_mask, past_key_values=past_key_values, **settings
        )


def test_a_constant_window_in_code_of_the_model_itself_is_seen(caplog):
    model = make_tiny_model("llama")
    attention = [layer.self_attn for layer in model.model.layers]
    for layer, full in zip(model.model.layers, attention, strict=True):
        layer.self_attn = ConstantWindow(model.config, full.layer_idx).eval()
        layer.self_attn.load_state_dict(full.state_dict())
    # No number of the configuration says how long a trial must be.
    assert shared_length(model) == 0
    assert "a layer changes the attention mask" in caplog.text
    # With the trial's branches, no more keys than the window has.
    assert shared_length(model, REACH - 16) == REACH - 16


def test_code_of_the_model_itself_is_trusted_as_far_as_the_trial_goes():
    assert shared_length(make_foreign(), 4096) == 1024 + 4


def make_foreign():
    """Ordinary attention, but in a class that is not transformers'."""
    model = make_tiny_model("llama")
    for layer in model.model.layers:
        layer.mlp.__class__ = type("OwnMLP", (type(layer.mlp),), {"__module__": "modeling_own"})
    return model
