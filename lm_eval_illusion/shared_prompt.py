"""Prompts that are read once: whatever comes after them, in any number of branches, shares their keys and values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache


class SharedPrompts:
    """A batch of prompts in one cache, and the tokens after them, each of which sees what it is told to see.

    The last token of a prompt is not read with the others: the first `forward` takes it, because the logits after it are wanted.
    Prompts are padded on the right, where a causal model does not see the padding: they are read without a mask, which attention kernels do
    fastest, and the padding's keys are hidden from all that follows.
    """

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], device: torch.device) -> None:
        """Read `prompts`, each of one token or more; the caller sets inference mode and autocast."""
        self.model = model
        self.device = device
        # Without the model's config: layers of sliding windows would drop keys, because they count the tokens of all branches.
        self.cache = DynamicCache()
        self.lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
        read = [prompt[:-1] for prompt in prompts]
        longest = max(map(len, read))
        if longest:
            model(input_ids=padded(read, device), past_key_values=self.cache, use_cache=True, logits_to_keep=1)
        self.prompt_keys = torch.arange(longest, device=device) < (self.lengths - 1)[:, None]
        """[B, longest - 1] booleans: which keys of the cache are a prompt's."""

    def forward(self, ids: torch.Tensor, positions: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """Logits [B, Q, vocabulary] of tokens `ids` [B, Q] at `positions` [B, Q], which stay in the cache.

        `visible`: [B, Q, K + Q] booleans over the K keys in the cache and these Q. A query that sees nothing is not allowed.
        """
        logits: torch.Tensor = self.model(
            input_ids=ids,
            attention_mask=self._mask(visible),
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
        ).logits
        return logits

    def keep(self, rows: torch.Tensor) -> None:
        """Forget all prompts but `rows`, [n] indices, and what came after them."""
        self.lengths = self.lengths[rows]
        self.cache.batch_select_indices(rows)

    def select_keys(self, places: torch.Tensor) -> None:
        """Keep the keys at `places` [B, n] of the cache, in that order."""
        for layer in self.cache.layers:
            layer.keys = _taken(layer.keys, places)
            layer.values = _taken(layer.values, places)

    def _mask(self, visible: torch.Tensor) -> torch.Tensor:
        if self.model.config._attn_implementation == "sdpa":
            return visible[:, None]
        # Eager attention adds its mask.
        dtype = self.model.dtype
        blocked = torch.zeros(visible.shape, dtype=dtype, device=visible.device).masked_fill_(~visible, torch.finfo(dtype).min)
        return blocked[:, None]


def _taken(states: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """`states`: [B, heads, K, width] -> [B, heads, n, width]."""
    index = places[:, None, :, None].expand(-1, states.shape[1], -1, states.shape[3])
    return states.gather(2, index)


def padded(rows: Sequence[Sequence[int]], device: torch.device, filling: int = 0) -> torch.Tensor:
    """[len(rows), longest] ids, padded on the right."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[filling] * (longest - len(row))] for row in rows], dtype=torch.long, device=device)


def after_prompts(prompts: SharedPrompts, branch: torch.Tensor) -> torch.Tensor:
    """What tokens see that are packed behind their prompts, [B, Q, K + Q] booleans for the first `forward`.

    `branch`: [B, Q], 0 at the prompt's last token, then the number of each token's branch. A token sees its prompt, its branch up to
    itself, and always itself.
    """
    earlier = torch.ones(branch.shape[1], branch.shape[1], dtype=torch.bool, device=branch.device).tril()
    related = (branch[:, None, :] == branch[:, :, None]) | (branch[:, None, :] == 0)
    keys = prompts.prompt_keys[:, None, :].expand(-1, branch.shape[1], -1)
    return torch.cat([keys, related & earlier], dim=2)
