"""Sparsity as it is: the share of zeros in each layer that pruning may touch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lm_eval_illusion.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

TOLERANCE = 0.005


def prunable_weights(model: PreTrainedModel) -> Iterator[tuple[str, Tensor]]:
    """Name and weight, [outputs, inputs], of every linear layer but the output head; embeddings and norms are not linear layers."""
    from torch.nn import Linear
    from transformers.pytorch_utils import Conv1D

    head = model.get_output_embeddings()
    for name, module in model.named_modules():
        if module is head:
            continue
        if isinstance(module, Linear):
            yield name, module.weight
        elif isinstance(module, Conv1D):
            yield name, module.weight.T


def measure_sparsity(model: PreTrainedModel) -> dict[str, float]:
    """The share of exact zeros in each prunable layer."""
    return {name: _zeros(weight) / weight.numel() for name, weight in prunable_weights(model)}


def overall_sparsity(model: PreTrainedModel) -> float:
    """The share of exact zeros over all prunable weights together, a large layer counting for more."""
    zeros = total = 0
    for _, weight in prunable_weights(model):
        zeros += _zeros(weight)
        total += weight.numel()
    return zeros / total


def _zeros(weight: Tensor) -> int:
    return weight.numel() - int(weight.count_nonzero())


def check_sparsity(model: PreTrainedModel, expected: float, mask_structure: str) -> None:
    """Stop if a layer, or for N:M a single group, is not as sparse as was asked.

    Raises:
        UserError: names the worst layer.
    """
    if mask_structure != "0:0":
        _check_groups(model, mask_structure)
    measured = measure_sparsity(model)
    # A pruner that works by rows can miss by less than one weight in each; the model as a whole may not.
    excess = {name: abs(measured[name] - expected) - 1 / weight.shape[1] for name, weight in prunable_weights(model)}
    worst = max(excess, key=excess.__getitem__)
    overall = overall_sparsity(model)
    if abs(overall - expected) > TOLERANCE or excess[worst] > TOLERANCE:
        raise UserError(
            f"pruning gave sparsity {overall:.4f}, {expected} was asked (worst layer {worst}: {measured[worst]:.4f}):"
            " this is not the variant that was asked for, so nothing is stored; try another pruner or sparsity"
        )


def check_shapes(model: PreTrainedModel, mask_structure: str) -> None:
    """Stop before pruning if the groups of an N:M mask don't fit into a layer's rows.

    Raises:
        UserError: names the first layer that they don't fit.
    """
    group = int(mask_structure.split(":")[1])
    for name, weight in prunable_weights(model):
        if group and weight.shape[1] % group:
            raise UserError(f"layer {name} has {weight.shape[1]} inputs, not a multiple of {group}: use mask_structure 0:0")


def _check_groups(model: PreTrainedModel, mask_structure: str) -> None:
    zeros, group = (int(part) for part in mask_structure.split(":"))
    for name, weight in prunable_weights(model):
        in_group = (weight.reshape(-1, group) == 0).sum(dim=1)
        if int(in_group.min()) < zeros:
            raise UserError(f"layer {name} has a group of {group} with {int(in_group.min())} zeros, {zeros} were asked")
