"""Prompts that are read once: whatever comes after them, in any number of branches, shares their keys and values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from lm_eval_illusion.branch_attention import branching
from lm_eval_illusion.products import large_layers, multiplying_in_pieces
from lm_eval_illusion.reading import Prompt
from lm_eval_illusion.shared_keys import SharedKeys, States


class SharedPrompts:
    """A batch of prompts in one cache, and the tokens after them, each of which sees what it is told to see.

    The first `forward` takes the prompts' last tokens, because the logits after them are wanted.
    """

    def __init__(
        self, model: Any, prompts: Sequence[Prompt], states: Sequence[States], device: torch.device, room: int = 0
    ) -> None:
        """`states`: of the prompts, from `read_prompts`; `room`: for how many tokens after each, where more come they are copied.

        The caller sets inference mode and autocast.
        """
        self.model = model
        # Once a batch, not once a step, because a model of 8 B has hundreds of modules.
        self.large_layers = large_layers(model)
        self.device = device
        self.keys = SharedKeys.of(states, room)
        self.lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
        self.prompt_keys = torch.arange(max(map(len, prompts)) - 1, device=device) < (self.lengths - 1)[:, None]
        """[B, longest - 1] booleans: which keys are a prompt's; the others are padding."""

    def forward(self, ids: torch.Tensor, positions: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """Logits [B, Q, vocabulary] of tokens `ids` [B, Q] at `positions` [B, Q], which stay in the cache.

        `visible`: [B, Q, K + Q] booleans over the K keys in the cache and these Q. A query that sees nothing is not allowed.
        """
        dtype = self.model.dtype
        blocked = torch.zeros(visible.shape, dtype=dtype, device=visible.device).masked_fill_(~visible, torch.finfo(dtype).min)
        with branching(self.model), multiplying_in_pieces(self.large_layers):
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


def after_prompts(prompts: SharedPrompts, branch: torch.Tensor) -> torch.Tensor:
    """What tokens see that are packed behind their prompts, [B, Q, K + Q] booleans for the first `forward`.

    `branch`: [B, Q], 0 at the prompt's last token, then the number of each token's branch. A token sees its prompt, its branch up to
    itself, and always itself.
    """
    earlier = torch.ones(branch.shape[1], branch.shape[1], dtype=torch.bool, device=branch.device).tril()
    related = (branch[:, None, :] == branch[:, :, None]) | (branch[:, None, :] == 0)
    keys = prompts.prompt_keys[:, None, :].expand(-1, branch.shape[1], -1)
    return torch.cat([keys, related & earlier], dim=2)
