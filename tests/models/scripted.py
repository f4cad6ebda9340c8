"""A model that says what the test wants: its next token depends on its last token alone, in every kind of decoding."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tests.tiny_models import make_tiny_tokenizer

CONFIDENCE = 60.0
"""The logit of the next token, of 0 for all others: samples and beams follow it, too."""


def save_scripted(folder: Path, script: list[int], chat_template: str | None = None) -> Path:
    """Write a Llama that continues the first token of `script` with the others, one after another, and then repeats the last.

    No token may be twice in `script`. A token that is not in it repeats itself.
    """
    assert len(set(script)) == len(script)
    tokenizer = make_tiny_tokenizer()
    size = len(tokenizer)
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=size,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        head_dim=8,
        max_position_embeddings=512,
        bos_token_id=0,
        eos_token_id=1,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config).eval()
    following = torch.arange(size)
    following[script[:-1]] = torch.tensor(script[1:])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        # The last layer's norm has a root mean square of 1: a unit vector becomes one of length sqrt(size).
        model.model.embed_tokens.weight.copy_(torch.eye(size))
        model.model.norm.weight.fill_(1.0)
        model.lm_head.weight[following, torch.arange(size)] = CONFIDENCE / size**0.5
    model.save_pretrained(folder)
    tokenizer.chat_template = chat_template
    tokenizer.save_pretrained(folder)
    return folder
