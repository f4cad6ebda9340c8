"""PrefixTree of prompts that grow by one token at a time, all in one cache.

Attention of a few tokens to many keys, under a mask of their own: keys are read once for all heads that share them.

Prompts that are read once: whatever comes after them, in any number of branches, shares their keys and values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from lm_eval_illusion.inference.cpu_matmul import chunked_matmul, large_layers
from lm_eval_illusion.inference.prefix_cache import LayerKV, PrefixKVCache, Prompt, padded

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
def use_tree_attention(model: Any) -> Iterator[None]:
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


class PrefixBatch:
    """A batch of prompts in one cache, and the tokens after them, each of which sees what it is told to see.

    The first `forward` takes the prompts' last tokens, because the logits after them are wanted.
    """

    def __init__(
        self, model: Any, prompts: Sequence[Prompt], states: Sequence[LayerKV], device: torch.device, room: int = 0
    ) -> None:
        """`states`: of the prompts, from `prefill`; `room`: for how many tokens after each, where more come they are copied.

        The caller sets inference mode and autocast.
        """
        self.model = model
        # Once a batch, not once a step, because a model of 8 B has hundreds of modules.
        self.large_layers = large_layers(model)
        self.device = device
        self.keys = PrefixKVCache.of(states, room)
        self.lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
        self.prompt_keys = torch.arange(max(map(len, prompts)) - 1, device=device) < (self.lengths - 1)[:, None]
        """[B, longest - 1] booleans: which keys are a prompt's; the others are padding."""

    def forward(self, ids: torch.Tensor, positions: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """Logits [B, Q, vocabulary] of tokens `ids` [B, Q] at `positions` [B, Q], which stay in the cache.

        `visible`: [B, Q, K + Q] booleans over the K keys in the cache and these Q. A query that sees nothing is not allowed.
        """
        dtype = self.model.dtype
        blocked = torch.zeros(visible.shape, dtype=dtype, device=visible.device).masked_fill_(~visible, torch.finfo(dtype).min)
        with use_tree_attention(self.model), chunked_matmul(self.large_layers):
            logits: torch.Tensor = self.model(
                input_ids=ids,
                attention_mask=blocked[:, None],
                position_ids=positions,
                past_key_values=self.keys,
                use_cache=True,
            ).logits
        return logits

    def keep(self, rows: torch.Tensor) -> None:
        """Forget all prompts but `rows`, [n] indices, and what came after them."""
        self.lengths = self.lengths[rows]
        self.keys.select_rows(rows)


def after_prompts(prompts: PrefixBatch, branch: torch.Tensor) -> torch.Tensor:
    """What tokens see that are packed behind their prompts, [B, Q, K + Q] booleans for the first `forward`.

    `branch`: [B, Q], 0 at the prompt's last token, then the number of each token's branch. A token sees its prompt, its branch up to
    itself, and always itself.
    """
    earlier = torch.ones(branch.shape[1], branch.shape[1], dtype=torch.bool, device=branch.device).tril()
    related = (branch[:, None, :] == branch[:, :, None]) | (branch[:, None, :] == 0)
    keys = prompts.prompt_keys[:, None, :].expand(-1, branch.shape[1], -1)
    return torch.cat([keys, related & earlier], dim=2)


# How often keys that nobody sees any more are dropped: of beams that were left, of finished branches, of padding.
STEPS_BETWEEN_SWEEPS = 16


class PrefixTree:
    """A tree of tokens behind each prompt. A branch sees its prompt and the tokens that it came by; a beam that splits copies nothing."""

    def __init__(self, shared: PrefixBatch) -> None:
        self.shared = shared
        # [B, W, K]: which keys the last tokens of W branches see
        self.seen = self.shared.prompt_keys[:, None, :]
        self.steps = 0

    def step(self, tokens: Sequence[Sequence[int]], parents: Sequence[Sequence[int]]) -> torch.Tensor:
        """Logits [B, W, vocabulary] after one token a branch; W is the most branches of any prompt, and what others lack is noise.

        `tokens`, `parents`: for each prompt its branches' tokens, and which branch of the last step each goes on from. The first step
        takes the prompts' last tokens.
        """
        device = self.shared.device
        ids, parent = padded(tokens, device), padded(parents, device)
        seen = self.seen.gather(1, parent[:, :, None].expand(-1, -1, self.seen.shape[2]))
        own = torch.eye(ids.shape[1], dtype=torch.bool, device=device).expand(len(ids), -1, -1)
        self.seen = torch.cat([seen, own], dim=2)
        positions = (self.shared.lengths - 1 + self.steps)[:, None].expand_as(ids)
        logits = self.shared.forward(ids, positions, self.seen)
        self.steps += 1
        if self.steps % STEPS_BETWEEN_SWEEPS == 0:
            self._sweep()
        return logits

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all prompts but these."""
        index = torch.tensor(rows, device=self.shared.device)
        self.shared.keep(index)
        self.seen = self.seen[index]

    def _sweep(self) -> None:
        used = self.seen.any(dim=1)
        most = int(used.sum(dim=1).max())
        if most < used.shape[1]:
            order = used.int().argsort(dim=1, descending=True, stable=True)[:, :most]
            self.shared.keys.select_keys(order)
            self.seen = self.seen.gather(2, order[:, None, :].expand(-1, self.seen.shape[1], -1))
