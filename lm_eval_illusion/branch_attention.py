"""Attention of a few tokens to many keys, under a mask of their own: keys are read once for all heads that share them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

NAME = "lm_eval_illusion_branches"


def branch_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor,
    *,
    scaling: float | None = None,
    position_bias: torch.Tensor | None = None,
    **given: Any,
) -> tuple[torch.Tensor, None]:
    """As transformers' sdpa attention, which copies the keys for each query head; here heads of one key head are queries behind each other.

    `query`: [B, heads, Q, width], `key` and `value`: [B, key heads, K, width], `attention_mask`: [B, 1, Q, K], added to the scores.
    Returns [B, Q, heads, width].
    """
    if position_bias is not None:
        output: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, position_bias=position_bias, **given
        )
        return output
    batch, heads, queries, width = query.shape
    sharing = heads // key.shape[1]
    attended = torch.nn.functional.scaled_dot_product_attention(
        query.reshape(batch, key.shape[1], sharing * queries, width),
        key,
        value,
        attn_mask=attention_mask.repeat(1, 1, sharing, 1),
        scale=scaling,
    )
    return attended.reshape(batch, heads, queries, -1).transpose(1, 2).contiguous(), None


@contextmanager
def branching(model: Any) -> Iterator[None]:
    """Within it, a model of sdpa attention attends by `branch_attention`."""
    before = model.config._attn_implementation
    if before != "sdpa":
        yield
        return
    AttentionInterface.register(NAME, branch_attention)
    model.config._attn_implementation = NAME
    try:
        yield
    finally:
        model.config._attn_implementation = before
