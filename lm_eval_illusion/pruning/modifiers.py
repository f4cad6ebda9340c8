"""Wanda's squares of what goes into a layer, summed over the tokens as they lie in memory.

Magnitude pruning as a llmcompressor modifier: theirs does nothing under `oneshot`.

A llmcompressor modifier that changes nothing: it sums the squares of what goes into each linear layer, block after block.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from compressed_tensors.utils import match_named_modules
from llmcompressor.core import Event, State
from llmcompressor.modifiers import Modifier, ModifierFactory
from pydantic import Field, PrivateAttr


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


class InputSquaresModifier(Modifier):  # type: ignore[misc]  # llmcompressor is untyped
    """`squares`, once it has run: by layer, [inputs], the sums over all calibration tokens; a layer that saw none is not there."""

    requires_calibration_data: bool = True

    _squares: dict[str, torch.Tensor] = PrivateAttr(default_factory=dict)

    @property
    def squares(self) -> dict[str, torch.Tensor]:
        """In float64 on the CPU."""
        return self._squares

    def on_initialize(self, state: State, **_: Any) -> bool:
        """Nothing to prepare."""
        return True

    def on_calibration_start(self, state: State, event: Event, **_: Any) -> None:
        """Look at every linear layer."""
        for name, module in match_named_modules(state.model, ["Linear"]):
            self.register_hook(module, self._hook(name), "forward")

    def on_calibration_end(self, state: State, event: Event, **_: Any) -> None:
        """Look no more."""
        self.remove_hooks()

    def _hook(self, name: str) -> Any:
        def add(_: torch.nn.Module, arguments: tuple[torch.Tensor, ...], __: Any) -> None:
            tokens = arguments[0].detach().reshape(-1, arguments[0].shape[-1]).float()
            squares = tokens.pow(2).sum(dim=0).cpu().double()
            self._squares[name] = self._squares.get(name, 0) + squares

        return add


@contextmanager
def fast_wanda_norms() -> Iterator[None]:
    """Within it, llmcompressor's Wanda sums squares by `accumulate_squares`; its own norm took an eighth of pruning."""
    from compressed_tensors.utils import patch_attr
    from llmcompressor.modifiers.pruning.wanda import base

    with patch_attr(base, "accumulate_row_scalars", accumulate_squares):
        yield


def accumulate_squares(
    inputs: torch.Tensor, _: torch.nn.Module, squares: torch.Tensor, samples: int
) -> tuple[torch.Tensor, int]:
    """The sums of squares over all tokens so far by `samples` so far, [width], with `inputs` added; and how many samples these are.

    `inputs`: [samples, tokens, width] of a linear layer, or [tokens, width], one sample; `squares`: before, changed in place.
    """
    added = inputs.shape[0] if inputs.dim() == 3 else 1
    tokens = inputs.to(device=squares.device, dtype=torch.float32).reshape(-1, inputs.shape[-1])
    squares *= samples / (samples + added)
    squares += tokens.pow(2).sum(dim=0) / (samples + added)
    return squares, samples + added
