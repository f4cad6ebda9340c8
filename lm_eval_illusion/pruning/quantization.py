"""What llmcompressor's quantisers leave in a model, made plain weights again: rounded to their grid, in the model's own dtype.

Seen in llmcompressor 0.14: after `oneshot`, GPTQ's weights are on their grid; those of QuantizationModifier, and of AWQ with it, are not:
each layer has a scale, a zero point and a forward that rounds as it goes. Stock engines know neither.

Bits a weight as they are: what a quantisation scheme says of each layer, held against the values that its weights take.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.errors import UserError, one_line
from lm_eval_illusion.pruning.sparsity import prunable_weights

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


def refuse_impossible(recipe: str, model: PreTrainedModel) -> None:
    """Refuse a recipe that an ordinary checkpoint can't hold, that contradicts itself, or of which AWQ's part would do nothing.

    Raises:
        UserError: it quantises activations or the cache, names an N:M mask and another sparsity, is AWQ for a model whose layers AWQ does
            not know, or is not valid to llmcompressor.
    """
    said = "give a scheme of weights alone, e.g. W4A16"
    for modifier, config in _modifiers(recipe):
        name = type(modifier).__name__
        _refuse_two_sparsities(name, getattr(modifier, "mask_structure", "0:0"), getattr(modifier, "sparsity", None))
        if name == "AWQModifier" and not _can_balance(modifier, model):
            raise UserError(
                f"AWQ knows no layers of {type(model).__name__} to balance, and would only round: give pruner=gptq or rtn, or a recipe with"
                " AWQModifier's mappings"
            )
        if config is None:
            continue
        for what in ("input_activations", "output_activations"):
            if any(getattr(scheme, what) is not None for scheme in config.config_groups.values()):
                raise UserError(f"recipe: {name} quantises {what}, which no ordinary checkpoint holds: {said}")
        if config.kv_cache_scheme is not None:
            raise UserError(f"recipe: {name} quantises the cache (kv_cache_scheme), which no ordinary checkpoint holds: {said}")


def round_to_grid(model: PreTrainedModel) -> dict[str, float]:
    """Round every quantised weight to its grid in place and take away all else that the quantisers left; the bits of those layers.

    Raises:
        UserError: something else than a prunable layer is quantised, or weights take more values than their bits tell apart.
    """
    from compressed_tensors.quantization import QuantizationMetadata, forward_quantize

    prunable = {name for name, _ in prunable_weights(model)}
    bits: dict[str, float] = {}
    for name, module in model.named_modules():
        if not hasattr(module, "quantization_scheme"):
            continue
        weights = module.quantization_scheme.weights
        if weights is not None:
            if name not in prunable:
                raise UserError(
                    f"recipe: it quantises {name}, which is an embedding or the output head: add `ignore: {{{{ ignore }}}}` to the"
                    " modifier, and target linear layers only"
                )
            dense = module.weight.data
            module.weight.data = forward_quantize(module, dense, "weight", weights).to(dense.dtype)
            check_levels(name, module.weight.data, weights)
            bits[name] = float(weights.num_bits)
        QuantizationMetadata.clear_quantization(module)
        for mark in ("quantization_status", "quantization_enabled"):
            if hasattr(module, mark):
                delattr(module, mark)
    return bits


def _modifiers(recipe: str) -> list[tuple[Any, Any]]:
    """The recipe's modifiers, each with its quantisation config; None for one that does not quantise."""
    from llmcompressor.recipe import Recipe

    try:
        modifiers = Recipe.create_instance(recipe).modifiers
        return [(modifier, getattr(modifier, "resolved_config", None)) for modifier in modifiers]
    except (ValueError, TypeError, RuntimeError) as error:
        raise UserError(f"recipe is not valid to llmcompressor ({one_line(error, 300)}): mend it") from error


def _can_balance(modifier: Any, model: PreTrainedModel) -> bool:
    """llmcompressor takes the Llama's names for every architecture that it has no list of, and passes over what it does not find."""
    from compressed_tensors.utils import match_modules_set
    from llmcompressor.modifiers.transform.awq.dynamic_mappings import get_layer_mappings_from_model

    mappings = modifier.mappings or get_layer_mappings_from_model(model)
    try:
        return any(True for one in mappings for _ in match_modules_set(model, (one.smooth_layer, *one.balance_layers)))
    except ValueError:  # one of the names is there, the others that belong to it are not
        return False


def _refuse_two_sparsities(name: str, mask_structure: str, sparsity: Any) -> None:
    zeros, _, group = mask_structure.partition(":")
    if zeros != "0" and group and sparsity is not None and sparsity != int(zeros) / int(group):
        raise UserError(
            f"recipe: {name} has mask_structure {mask_structure} and sparsity {sparsity}: the mask removes {zeros} of every {group}"
            f" weights, so give sparsity {int(zeros) / int(group):g} or another mask"
        )
