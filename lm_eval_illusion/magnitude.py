"""Magnitude pruning as a llmcompressor modifier: theirs does nothing under `oneshot`."""

from __future__ import annotations

from typing import Any

import torch
from compressed_tensors.utils import match_named_modules
from llmcompressor.core import State
from llmcompressor.modifiers import Modifier, ModifierFactory
from pydantic import Field


class LayerMagnitudeModifier(Modifier):  # type: ignore[misc]  # llmcompressor is untyped
    """Set the smallest weights of each target layer to zero; needs no calibration data.

    `sparsity`: the share of a layer's weights to remove. `mask_structure`: "0:0", or "n:m" for n zeros in every m weights of
    a row, whatever `sparsity` says.
    """

    sparsity: float | None
    mask_structure: str = "0:0"
    targets: list[str] = Field(default_factory=lambda: ["Linear"])
    ignore: list[str] = Field(default_factory=list)

    def on_initialize(self, state: State, **_: Any) -> bool:
        """Prune at once: there is nothing to wait for."""
        for _, module in match_named_modules(state.model, self.targets, self.ignore):
            # A pattern like "re:.*mlp.*" matches the block that holds the layers, too.
            if isinstance(module, torch.nn.Linear):
                weight = module.weight.data
                weight[smallest(weight, self.sparsity, self.mask_structure)] = 0
        return True


def smallest(weight: torch.Tensor, sparsity: float | None, mask_structure: str) -> torch.Tensor:
    """The mask, [outputs, inputs], of the weights to remove: exactly int(size x sparsity) of them, ties by position."""
    zeros, group = (int(part) for part in mask_structure.split(":"))
    if zeros:
        scores = weight.abs().reshape(-1, group)
        remove = scores.argsort(dim=1, stable=True)[:, :zeros]
        return torch.zeros_like(scores, dtype=torch.bool).scatter_(1, remove, True).reshape(weight.shape)
    return _smallest_of(weight.abs().flatten(), int(weight.numel() * (sparsity or 0))).reshape(weight.shape)


def _smallest_of(scores: torch.Tensor, count: int) -> torch.Tensor:
    """Selecting the threshold takes a fraction of the time of sorting a large layer."""
    if count == 0:
        return torch.zeros_like(scores, dtype=torch.bool)
    threshold = scores.kthvalue(count).values
    mask = scores < threshold
    ties = (scores == threshold).nonzero().flatten()
    mask[ties[: count - int(mask.sum())]] = True
    return mask


def register_modifier() -> None:
    """Let recipes name `LayerMagnitudeModifier`; twice does no harm."""
    ModifierFactory.register("LayerMagnitudeModifier", LayerMagnitudeModifier)
