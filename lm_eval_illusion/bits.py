"""Bits a weight as they are: what a quantisation scheme says of each layer, held against the values that its weights take."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.sparsity import prunable_weights

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

LARGEST_GROUP = 128
SMALLEST_GROUP = 16


def bits_of_layers(model: PreTrainedModel, quantised: Mapping[str, float]) -> dict[str, float]:
    """The bits of each prunable layer: as quantised, else those of its dtype."""
    return {name: quantised.get(name, 8.0 * weight.element_size()) for name, weight in prunable_weights(model)}


def overall_bits(model: PreTrainedModel, bits_of_layer: Mapping[str, float]) -> float | None:
    """The mean bits of a prunable weight, a large layer counting for more; layers that `bits_of_layer` lacks have their dtype's.

    The weights' own bits: scales and zero points, which would come on top in a packed file, are not counted. None where the weights are
    packed in a way that we don't know (bitsandbytes).
    """
    bits = total = 0.0
    for name, weight in prunable_weights(model):
        if not weight.is_floating_point():
            return None
        bits += weight.numel() * bits_of_layer.get(name, 8.0 * weight.element_size())
        total += weight.numel()
    return bits / total


def check_levels(name: str, weight: Tensor, scheme: Any) -> None:
    """Stop if a group of weights that share a scale takes more values than the scheme's bits can tell apart.

    `weight`: [outputs, inputs]; `scheme`: compressed-tensors' QuantizationArgs.

    Raises:
        UserError: names the layer.
    """
    found = max(_most_levels(group) for group in groups_with_one_scale(weight, scheme))
    if found > 2**scheme.num_bits:
        raise UserError(
            f"layer {name} has a group of weights with {found} values, {scheme.num_bits} bits tell {2**scheme.num_bits} apart:"
            " this is not the variant that was asked for, so nothing is stored; try another recipe"
        )


def groups_with_one_scale(weight: Tensor, scheme: Any) -> Iterator[Tensor]:
    """The weights that share a scale, a group a row: all of them, a row of the layer, so many of a row, or a block."""
    strategy = getattr(scheme.strategy, "value", scheme.strategy)
    if strategy == "tensor":
        yield weight.reshape(1, -1)
    elif strategy == "channel":
        yield weight
    elif strategy in ("group", "tensor_group"):
        yield weight.reshape(-1, min(scheme.group_size, weight.shape[1]))
    elif strategy == "block":
        height, width = scheme.block_structure
        for top in range(0, weight.shape[0], height):
            for left in range(0, weight.shape[1], width):
                yield weight[top : top + height, left : left + width].reshape(1, -1)
    else:
        raise UserError(f"quantisation strategy {strategy} is not one of weights: give tensor, channel, group or block")


def common_group_size(model: PreTrainedModel) -> int:
    """The largest group, of at most 128 weights, that divides the rows of every prunable layer.

    Raises:
        UserError: it would be smaller than 16, where the scales weigh more than the bits that are saved.
    """
    common = math.gcd(*(weight.shape[1] for _, weight in prunable_weights(model)))
    size = next(size for size in range(LARGEST_GROUP, 0, -1) if common % size == 0)
    if size < SMALLEST_GROUP:
        raise UserError(
            f"the layers' rows share no group of {SMALLEST_GROUP} to {LARGEST_GROUP} weights (they have the divisor {common}):"
            " give a recipe of your own with strategy: channel"
        )
    return size


def _most_levels(groups: Tensor) -> int:
    """The most different values in a row of [groups, weights]."""
    ordered = groups.detach().float().sort(dim=1).values
    return int((ordered.diff(dim=1) != 0).sum(dim=1).max()) + 1
