"""Tiny random models whose attention or positions are not those of a common decoder."""

from __future__ import annotations

from typing import Any

SIZES: dict[str, Any] = {
    "vocab_size": 340,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 2,
    "initializer_range": 0.2,
}
# A local layer sees the last 256 tokens.
LOCAL = {"attention_types": [[["global", "local"], 2]], "num_layers": 4, "window_size": 256}
# Beyond 32 tokens all positions take the long factors, whatever the length of each sequence of a batch.
LONG_ROPE = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "short_factor": [1.0] * 8,
    "long_factor": [float(number) for number in range(1, 9)],
    "factor": 8.0,
    "original_max_position_embeddings": 32,
}
# Frequencies grow with the longest sequence beyond 64 tokens.
DYNAMIC = {"max_position_embeddings": 64, "rope_parameters": {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0}}
WITHOUT_END = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}


def make_model(model_type: str, **changes: Any) -> Any:
    """Return a seeded random model of a transformers type; `changes`: fields of its configuration."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    fields = AutoConfig.for_model(model_type).to_dict().keys()
    known = {name: value for name, value in SIZES.items() if name in fields} | changes
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(model_type, **known), dtype=torch.float32).eval()


def make_gpt_neo() -> Any:
    """Return a GPT-Neo with local attention, which its configuration calls `window_size`."""
    return make_model("gpt_neo", **LOCAL)


def make_long_rope() -> Any:
    """Return a Phi-3 whose positions change beyond 32 tokens."""
    return make_model("phi3", rope_parameters=LONG_ROPE, original_max_position_embeddings=32)


def make_rwkv() -> Any:
    """Return an RWKV, a recurrence that ignores the attention mask."""
    return make_model("rwkv", attention_hidden_size=64)
