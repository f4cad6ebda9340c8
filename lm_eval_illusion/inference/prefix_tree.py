"""Attention masks and positions of the tokens after a shared prefix, for one forward pass over a whole batch.

`use_tree_attention` gives the model an attention function for few queries and many keys. `PrefixBatch` runs tokens after a batch of
prefilled prompts under any mask. `PrefixTree` grows a tree of tokens after each prompt, one token per branch and step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from lm_eval_illusion.inference.cpu_matmul import chunked_matmul, large_layers
from lm_eval_illusion.inference.prefix_cache import PrefixKVCache, Prompt, padded

# The name under which transformers finds `tree_attention`.
TREE_ATTENTION = "lm_eval_illusion_tree"

# Steps of a `PrefixTree` between two removals of keys that no branch sees: of dropped beams, finished branches and padding.
STEPS_PER_COMPACTION = 16


def tree_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor,
    *,
    scaling: float | None = None,
    position_bias: torch.Tensor | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Compute scaled dot-product attention without copying keys and values for each query head (grouped-query attention).

    transformers' sdpa attention repeats the keys; here the query heads that share a key head are more queries of that head.
    `query`: [B, heads, Q, head_dim]; `key`, `value`: [B, key heads, K, head_dim]; `attention_mask`: [B, 1, Q, K], added to the scores.
    Returns [B, Q, heads, head_dim]. A `position_bias` goes to transformers' function.
    """
    if position_bias is not None:
        output: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, position_bias=position_bias, **kwargs
        )
        return output
    batch, heads, queries, head_dim = query.shape
    heads_per_key = heads // key.shape[1]
    attended = torch.nn.functional.scaled_dot_product_attention(
        query.reshape(batch, key.shape[1], heads_per_key * queries, head_dim),
        key,
        value,
        attn_mask=attention_mask.repeat(1, 1, heads_per_key, 1),
        scale=scaling,
    )
    return attended.reshape(batch, heads, queries, -1).transpose(1, 2).contiguous(), None


@contextmanager
def use_tree_attention(model: Any) -> Iterator[None]:
    """Within the `with` statement, let a model with sdpa attention use `tree_attention`; other models stay as they are."""
    previous = model.config._attn_implementation
    if previous != "sdpa":
        yield
        return
    AttentionInterface.register(TREE_ATTENTION, tree_attention)
    model.config._attn_implementation = TREE_ATTENTION
    try:
        yield
    finally:
        model.config._attn_implementation = previous


class PrefixBatch:
    """A batch of prefilled prompts and the tokens after them in one KV cache; the caller says which keys each token sees.

    The first `forward` begins with the last token of each prompt, which `prefill` leaves out.
    """

    def __init__(self, model: Any, prompts: Sequence[Prompt], cache: PrefixKVCache, device: torch.device) -> None:
        """`cache`: from `prefill` of the same prompts. The caller sets inference mode and autocast."""
        self.model = model
        # Once per batch, not once per step, because a model of 8 B parameters has hundreds of modules.
        self.large_layers = large_layers(model)
        self.device = device
        self.cache = cache
        self.lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
        """[B] int64: tokens of each prompt, the last one included."""
        self.prompt_keys = torch.arange(max(map(len, prompts)) - 1, device=device) < (self.lengths - 1)[:, None]
        """[B, longest - 1] bool, for the first `forward`: which prefilled keys belong to the prompt; the others are padding."""

    def forward(self, ids: torch.Tensor, positions: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """Run tokens through the model and append them to the cache; return logits [B, Q, vocabulary].

        `ids`, `positions`: [B, Q] int64. `visible`: [B, Q, K + Q] bool over the K keys in the cache and these Q; each query must see at
        least one key.
        """
        dtype = self.model.dtype
        mask = torch.zeros(visible.shape, dtype=dtype, device=visible.device).masked_fill_(~visible, torch.finfo(dtype).min)
        with use_tree_attention(self.model), chunked_matmul(self.large_layers):
            logits: torch.Tensor = self.model(
                input_ids=ids,
                attention_mask=mask[:, None],
                position_ids=positions,
                past_key_values=self.cache,
                use_cache=True,
            ).logits
        return logits

    def select_rows(self, rows: torch.Tensor) -> None:
        """Keep the prompts `rows`, [n] int64, in that order, and the tokens after them."""
        self.lengths = self.lengths[rows]
        self.cache.select_rows(rows)


def packed_visibility(prompts: PrefixBatch, branch: torch.Tensor) -> torch.Tensor:
    """Return the keys that each token packed after its prompt sees: [B, Q, K + Q] bool for the first `forward`.

    `branch`: [B, Q] int64, 0 at the prompt's last token, then the number of each token's branch. A token sees its prompt, the earlier
    tokens of its branch, and itself.
    """
    earlier = torch.ones(branch.shape[1], branch.shape[1], dtype=torch.bool, device=branch.device).tril()
    related = (branch[:, None, :] == branch[:, :, None]) | (branch[:, None, :] == 0)
    prompt_keys = prompts.prompt_keys[:, None, :].expand(-1, branch.shape[1], -1)
    return torch.cat([prompt_keys, related & earlier], dim=2)


class PrefixTree:
    """A tree of tokens after each prompt of a batch. A branch sees its prompt and its own ancestors; a split copies no keys."""

    def __init__(self, prompts: PrefixBatch) -> None:
        self.prompts = prompts
        self.visible = prompts.prompt_keys[:, None, :]
        """[B, W, K] bool: which keys the last tokens of the W branches see."""
        self.steps = 0

    def step(self, tokens: Sequence[Sequence[int]], parents: Sequence[Sequence[int]]) -> torch.Tensor:
        """Run one token per branch; return logits [B, W, vocabulary].

        `tokens`, `parents`: per prompt the token of each branch, and the index of the branch of the last step that it continues. The first
        step takes the prompts' last tokens with parent 0. W: the most branches of any prompt; ignore the logits of unused branches.
        """
        device = self.prompts.device
        ids, parent = padded(tokens, device), padded(parents, device)
        ancestors = self.visible.gather(1, parent[:, :, None].expand(-1, -1, self.visible.shape[2]))
        itself = torch.eye(ids.shape[1], dtype=torch.bool, device=device).expand(len(ids), -1, -1)
        self.visible = torch.cat([ancestors, itself], dim=2)
        positions = (self.prompts.lengths - 1 + self.steps)[:, None].expand_as(ids)
        logits = self.prompts.forward(ids, positions, self.visible)
        self.steps += 1
        if self.steps % STEPS_PER_COMPACTION == 0:
            self.compact()
        return logits

    def select_rows(self, rows: Sequence[int]) -> None:
        """Keep the prompts with these row numbers, in that order, and their trees."""
        index = torch.tensor(rows, device=self.prompts.device)
        self.prompts.select_rows(index)
        self.visible = self.visible[index]

    def compact(self) -> None:
        """Remove keys that no branch sees from the cache: as many as are unused in every row."""
        used = self.visible.any(dim=1)
        most = int(used.sum(dim=1).max())
        if most < used.shape[1]:
            order = used.int().argsort(dim=1, descending=True, stable=True)[:, :most]
            self.prompts.cache.select_keys(order)
            self.visible = self.visible.gather(2, order[:, None, :].expand(-1, self.visible.shape[1], -1))
