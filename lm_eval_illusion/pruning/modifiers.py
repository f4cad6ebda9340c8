"""llmcompressor modifiers of our own: magnitude pruning, the input norms that OWL needs, and a faster sum for Wanda's norms.

This module imports torch and llmcompressor at its top: import it only when a model is to be pruned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from compressed_tensors.utils import match_named_modules
from llmcompressor.core import Event, State
from llmcompressor.modifiers import Modifier, ModifierFactory
from pydantic import Field, PrivateAttr


class LayerMagnitudeModifier(Modifier):  # type: ignore[misc]  # llmcompressor is untyped
    """Set the weights with the smallest magnitude in each target layer to zero. Needs no calibration data.

    llmcompressor's own MagnitudePruningModifier has no effect under `oneshot`. `sparsity`: share of a layer's weights to remove.
    `mask_structure`: "0:0", or "N:M" for N zeros in every M consecutive weights of a row; `sparsity` is then ignored.
    """

    sparsity: float | None
    mask_structure: str = "0:0"
    targets: list[str] = Field(default_factory=lambda: ["Linear"])
    ignore: list[str] = Field(default_factory=list)

    def on_initialize(self, state: State, **_: Any) -> bool:
        """Prune all target layers at once."""
        for _, module in match_named_modules(state.model, self.targets, self.ignore):
            # A pattern like "re:.*mlp.*" also matches the module that contains the layers.
            if isinstance(module, torch.nn.Linear):
                weight = module.weight.data
                weight[smallest(weight, self.sparsity, self.mask_structure)] = 0
        return True


def smallest(weight: torch.Tensor, sparsity: float | None, mask_structure: str) -> torch.Tensor:
    """Return the boolean mask, [outputs, inputs], of the weights with the smallest magnitude.

    Unstructured: exactly int(size x sparsity) weights of the layer. N:M: exactly N of every M in a row. Ties are broken by position.
    """
    zeros, group = (int(part) for part in mask_structure.split(":"))
    if zeros:
        magnitudes = weight.abs().reshape(-1, group)
        remove = magnitudes.argsort(dim=1, stable=True)[:, :zeros]
        return torch.zeros_like(magnitudes, dtype=torch.bool).scatter_(1, remove, True).reshape(weight.shape)
    return _smallest_values(weight.abs().flatten(), int(weight.numel() * (sparsity or 0))).reshape(weight.shape)


def _smallest_values(magnitudes: torch.Tensor, count: int) -> torch.Tensor:
    """Return the mask, [weights], of the `count` smallest values. Selecting a threshold is much faster than sorting a large layer."""
    if count == 0:
        return torch.zeros_like(magnitudes, dtype=torch.bool)
    threshold = magnitudes.kthvalue(count).values
    mask = magnitudes < threshold
    ties = (magnitudes == threshold).nonzero().flatten()
    mask[ties[: count - int(mask.sum())]] = True
    return mask


def register_modifier() -> None:
    """Register `LayerMagnitudeModifier` so that recipes can name it. Repeated calls change nothing."""
    ModifierFactory.register("LayerMagnitudeModifier", LayerMagnitudeModifier)


class InputSquaresModifier(Modifier):  # type: ignore[misc]  # llmcompressor is untyped
    """Sum the squared inputs of each linear layer over all calibration tokens, block after block. The model is not changed."""

    requires_calibration_data: bool = True

    _squares: dict[str, torch.Tensor] = PrivateAttr(default_factory=dict)

    @property
    def squares(self) -> dict[str, torch.Tensor]:
        """The sums by layer name, each [inputs] in float64 on the CPU. A layer that received no token is missing."""
        return self._squares

    def on_initialize(self, state: State, **_: Any) -> bool:
        """Do nothing: the hooks are registered when calibration starts."""
        return True

    def on_calibration_start(self, state: State, event: Event, **_: Any) -> None:
        """Register a forward hook on every linear layer."""
        for name, module in match_named_modules(state.model, ["Linear"]):
            self.register_hook(module, self._hook(name), "forward")

    def on_calibration_end(self, state: State, event: Event, **_: Any) -> None:
        """Remove the hooks."""
        self.remove_hooks()

    def _hook(self, name: str) -> Callable[[torch.nn.Module, tuple[torch.Tensor, ...], Any], None]:
        def add(_: torch.nn.Module, arguments: tuple[torch.Tensor, ...], __: Any) -> None:
            tokens = arguments[0].detach().reshape(-1, arguments[0].shape[-1]).float()
            squares = tokens.pow(2).sum(dim=0).cpu().double()
            self._squares[name] = self._squares.get(name, 0) + squares

        return add


@contextmanager
def fast_wanda_norms() -> Iterator[None]:
    """Within the `with` statement, make llmcompressor's Wanda use `accumulate_squares`. Its own norm took an eighth of the pruning time."""
    from compressed_tensors.utils import patch_attr
    from llmcompressor.modifiers.pruning.wanda import base

    with patch_attr(base, "accumulate_row_scalars", accumulate_squares):
        yield


@contextmanager
def inputs_of_any_shape() -> Iterator[None]:
    """Within the `with` statement, let SparseGPT take inputs of more than three dimensions, which DeepSeek's attention has."""
    from compressed_tensors.utils import patch_attr
    from llmcompressor.modifiers.pruning.sparsegpt import base

    accumulate = base.accumulate_hessian

    def accumulate_any(inputs: torch.Tensor, *arguments: Any) -> Any:
        return accumulate(inputs.flatten(1, -2) if inputs.dim() > 3 else inputs, *arguments)

    with patch_attr(base, "accumulate_hessian", accumulate_any):
        yield


def accumulate_squares(
    inputs: torch.Tensor, _: torch.nn.Module, squares: torch.Tensor, samples: int
) -> tuple[torch.Tensor, int]:
    """Add a batch to the running mean over samples of the squared inputs of a linear layer: ||X_j||^2 of Wanda (arXiv 2306.11695).

    `inputs`: [samples, tokens, width], or [tokens, width] for one sample. `squares`: [width], sums of squares over the tokens so far,
    divided by `samples`; changed in place. The tokens are summed in their memory order, without a transposed copy. Returns the new
    `squares` and number of samples.
    """
    added = inputs.shape[0] if inputs.dim() == 3 else 1
    tokens = inputs.to(device=squares.device, dtype=torch.float32).reshape(-1, inputs.shape[-1])
    squares *= samples / (samples + added)
    squares += tokens.pow(2).sum(dim=0) / (samples + added)
    return squares, samples + added
