"""Sparsity as it is: the share of zeros in each layer that pruning may touch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lm_eval_illusion.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

TOLERANCE = 0.005
QUANTISED_HINT = "GPTQ fills zeros again: in the recipe put the pruning behind it, or quantise by QuantizationModifier"
# Of the weights that a mask keeps: in float16 the smallest of some millions is zero already.
UNDERFLOW = 1e-4


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


def check_sparsity(
    model: PreTrainedModel,
    expected: float,
    mask_structure: str,
    *,
    of_layer: Mapping[str, float] | None = None,
    at_least: bool = False,
) -> None:
    """Stop if the model, a layer, or for N:M a single group, is not as sparse as was asked.

    `of_layer`: the sparsity of each layer where they differ; `expected` is that of the whole. `at_least`: more zeros are no fault, because
    the weights were rounded, too.

    Raises:
        UserError: names the worst layer.
    """
    if mask_structure != "0:0":
        _check_groups(model, mask_structure, at_least)
    measured = measure_sparsity(model)
    off = {name: measured[name] - (of_layer or {}).get(name, expected) for name in measured}
    # A pruner that works by rows can miss by less than one weight in each; the model as a whole may not.
    excess = {name: _size(off[name], at_least) - 1 / weight.shape[1] for name, weight in prunable_weights(model)}
    worst = max(excess, key=excess.__getitem__)
    overall = overall_sparsity(model)
    if _size(overall - expected, at_least) > TOLERANCE or excess[worst] > TOLERANCE:
        hint = QUANTISED_HINT if at_least else "try another pruner or sparsity"
        raise UserError(
            f"pruning gave sparsity {overall:.4f}, {expected} was asked (worst layer {worst}: {measured[worst]:.4f}):"
            f" this is not the variant that was asked for, so nothing is stored; {hint}"
        )


def _size(off: float, at_least: bool) -> float:
    return -off if at_least else abs(off)


def check_shapes(model: PreTrainedModel, mask_structure: str) -> None:
    """Stop before pruning if the groups of an N:M mask don't fit into a layer's rows.

    Raises:
        UserError: names the first layer that they don't fit.
    """
    group = int(mask_structure.split(":")[1])
    for name, weight in prunable_weights(model):
        if group and weight.shape[1] % group:
            raise UserError(f"layer {name} has {weight.shape[1]} inputs, not a multiple of {group}: use mask_structure 0:0")


def _check_groups(model: PreTrainedModel, mask_structure: str, at_least: bool) -> None:
    """Groups lie along a row: they are of weights that the same output sums up, as hardware multiplies them."""
    # Again: llmcompressor takes the experts of some models apart, and only then they are linear layers.
    check_shapes(model, mask_structure)
    zeros, group = (int(part) for part in mask_structure.split(":"))
    for name, weight in prunable_weights(model):
        in_group = (weight.reshape(-1, group) == 0).sum(dim=1)
        fewest, most = int(in_group.min()), int(in_group.max())
        if fewest < zeros:
            hint = f": {QUANTISED_HINT}" if at_least else ""
            raise UserError(f"layer {name} has a group of {group} with {fewest} zeros, {zeros} were asked{hint}")
        too_many = int((in_group - zeros).sum())
        if not at_least and too_many > UNDERFLOW * weight.numel():
            raise UserError(f"layer {name} has a group of {group} with {most} zeros, {zeros} were asked")
