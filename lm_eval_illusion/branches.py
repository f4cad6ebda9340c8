"""Branches of prompts that grow by one token at a time, all in one cache."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lm_eval_illusion.reading import padded
from lm_eval_illusion.shared_prompt import SharedPrompts

# How often keys that nobody sees any more are dropped: of beams that were left, of finished branches, of padding.
STEPS_BETWEEN_SWEEPS = 16


class Branches:
    """A tree of tokens behind each prompt. A branch sees its prompt and the tokens that it came by; a beam that splits copies nothing."""

    def __init__(self, shared: SharedPrompts) -> None:
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
