"""Quantised weights in a dense-format checkpoint: refuse impossible recipes, round weights to their grid, measure their bits.

In llmcompressor 0.14, GPTQ (arXiv 2210.17323) leaves its weights on their grid after `oneshot`. QuantizationModifier, and AWQ
(arXiv 2306.00978) with it, do not: each layer keeps a scale, a zero point and a forward function that rounds on every call, which
other engines do not know. `round_to_grid` therefore rounds the weights and removes the rest.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.errors import UserError, attributed
from lm_eval_illusion.pruning.llmcompressor_recipe import load_recipe
from lm_eval_illusion.pruning.weights import SMALLEST_GROUP, layer_weights, prunable_weights

if TYPE_CHECKING:
    from compressed_tensors.quantization import QuantizationArgs, QuantizationConfig
    from llmcompressor.modifiers import Modifier
    from torch import Tensor
    from transformers import PreTrainedModel

LARGEST_GROUP = 128


def common_group_size(model: PreTrainedModel, skipped: Collection[str] = ()) -> int:
    """Return the largest group of at most 128 weights that divides the rows of every prunable layer that is not in `skipped`.

    Raises:
        UserError: The group would have fewer than 16 weights; its scales would then need more bits than quantisation saves.
    """
    divisor = math.gcd(*(weight.shape[-1] for _, weight in prunable_weights(model, skipped)))
    size = next(size for size in range(LARGEST_GROUP, 0, -1) if divisor % size == 0)
    if size < SMALLEST_GROUP:
        raise UserError(
            f"the layers' rows share no group of {SMALLEST_GROUP} to {LARGEST_GROUP} weights (their common divisor is {divisor}):"
            " give your own recipe with strategy: channel"
        )
    return size


def recipe_modifiers(recipe: str) -> list[Modifier]:
    """Return the modifiers of a recipe.

    Raises:
        UserError: The recipe is not valid for llmcompressor.
    """
    modifiers: list[Modifier] = load_recipe(recipe).modifiers
    with attributed("recipe is not valid for llmcompressor", "correct it"):
        # A wrong scheme is found only when it is read.
        for modifier in modifiers:
            _quantization_config(modifier)
    return modifiers


def refuse_impossible(recipe: str, model: PreTrainedModel) -> None:
    """Refuse a recipe whose result a dense-format checkpoint can't hold, that contradicts itself, or whose AWQ would have no effect.

    Raises:
        UserError: The recipe quantises activations or the KV cache, gives an N:M mask and another sparsity, uses AWQ for a model whose
            layers AWQ does not know, or is not valid for llmcompressor.
    """
    for modifier in recipe_modifiers(recipe):
        with attributed(f"recipe: {type(modifier).__name__} does not fit {type(model).__name__}", "correct its arguments"):
            _refuse_impossible(modifier, model)


def _refuse_impossible(modifier: Modifier, model: PreTrainedModel) -> None:
    hint = "give a scheme for weights only, e.g. W4A16"
    name = type(modifier).__name__
    config = _quantization_config(modifier)
    _refuse_two_sparsities(name, getattr(modifier, "mask_structure", "0:0"), getattr(modifier, "sparsity", None))
    if name == "AWQModifier" and not _awq_has_layers(modifier, model):
        raise UserError(
            f"AWQ has no layers to balance in {type(model).__name__} and would only round: give pruner=gptq or rtn, or a recipe with"
            " AWQModifier's mappings"
        )
    if config is None:
        return
    for part in ("input_activations", "output_activations"):
        if any(getattr(scheme, part) is not None for scheme in config.config_groups.values()):
            raise UserError(f"recipe: {name} quantises {part}, which a dense-format checkpoint can't hold: {hint}")
    if config.kv_cache_scheme is not None:
        raise UserError(
            f"recipe: {name} quantises the cache (kv_cache_scheme), which a dense-format checkpoint can't hold: {hint}"
        )


def asks_for_data(recipe: str) -> bool:
    """Return whether a modifier of the recipe declares that it needs calibration data. Call after `compressor` prepared llmcompressor.

    Raises:
        UserError: The recipe is not valid for llmcompressor.
    """
    return any(modifier.requires_calibration_data for modifier in recipe_modifiers(recipe))


def round_to_grid(model: PreTrainedModel) -> dict[str, float]:
    """Round every quantised weight to its grid in place, remove all other traces of quantisation, and return the bits per layer name.

    Raises:
        UserError: Something other than a counted layer is quantised, or weights have more values than their bits can represent.
    """
    from compressed_tensors.quantization import QuantizationMetadata, forward_quantize

    counted = {name for name, _, _ in layer_weights(model)}
    bits: dict[str, float] = {}
    for name, module in model.named_modules():
        if not hasattr(module, "quantization_scheme"):
            continue
        weight_scheme = module.quantization_scheme.weights
        if weight_scheme is not None:
            if name not in counted:
                raise UserError(
                    f"recipe: it quantises {name}, which is an embedding or the output head, or outside the language model: add"
                    " `ignore: {{ ignore }}` to the modifier, and target linear layers only"
                )
            weight = module.weight.data
            module.weight.data = forward_quantize(module, weight, "weight", weight_scheme).to(weight.dtype)
            check_levels(name, module.weight.data, weight_scheme)
            bits[name] = float(weight_scheme.num_bits)
        QuantizationMetadata.clear_quantization(module)
        for attribute in ("quantization_status", "quantization_enabled"):
            if hasattr(module, attribute):
                delattr(module, attribute)
    return bits


def check_levels(name: str, weight: Tensor, scheme: QuantizationArgs) -> None:
    """Check that no group of weights with a common scale has more than 2^bits different values.

    `weight`: [outputs, inputs] of the layer `name`.

    Raises:
        UserError: A group has more; the layer is named.
    """
    levels = max(_most_levels(group) for group in groups_with_one_scale(weight, scheme))
    if levels > 2**scheme.num_bits:
        raise UserError(
            f"layer {name} has a group of weights with {levels} values, {scheme.num_bits} bits represent {2**scheme.num_bits}:"
            " this is not the requested variant, so nothing is stored; try another recipe"
        )


def groups_with_one_scale(weight: Tensor, scheme: QuantizationArgs) -> Iterator[Tensor]:
    """Yield the weights as tensors [groups, weights per group], where the weights of a group share a scale.

    `weight`: [outputs, inputs]. By the scheme's strategy a group is the whole layer, a row, a part of a row, or a block of the matrix.

    Raises:
        UserError: The strategy is not for weights.
    """
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
        raise UserError(f"quantisation strategy {strategy} is not for weights: give tensor, channel, group or block")


def bits_of_layers(model: PreTrainedModel, quantised: Mapping[str, float]) -> dict[str, float]:
    """Return the bits per weight of each counted weight, by name: those in `quantised`, otherwise those of its dtype."""
    return {name: quantised.get(name, 8.0 * weight.element_size()) for name, weight, _ in layer_weights(model)}


def overall_bits(model: PreTrainedModel, bits_of_layer: Mapping[str, float]) -> float | None:
    """Return the mean bits per counted weight, so that larger layers count more. Layers not in `bits_of_layer` have their dtype's bits.

    Scales and zero points, which a packed file holds in addition, are not counted. None if weights are packed in an unknown format
    (bitsandbytes).
    """
    bits = total = 0.0
    for name, weight, _ in layer_weights(model):
        if not weight.is_floating_point():
            return None
        bits += weight.numel() * bits_of_layer.get(name, 8.0 * weight.element_size())
        total += weight.numel()
    return bits / total


def _quantization_config(modifier: Modifier) -> QuantizationConfig | None:
    """Return the quantisation config of a modifier; None for one that does not quantise."""
    return getattr(modifier, "resolved_config", None)


def _awq_has_layers(modifier: Any, model: PreTrainedModel) -> bool:
    """Return whether AWQ finds layers to balance. For other architectures llmcompressor tries Llama's layer names and ignores misses."""
    from compressed_tensors.utils import match_modules_set
    from llmcompressor.modifiers.transform.awq.dynamic_mappings import get_layer_mappings_from_model

    mappings = modifier.mappings or get_layer_mappings_from_model(model)
    try:
        return any(
            True for mapping in mappings for _ in match_modules_set(model, (mapping.smooth_layer, *mapping.balance_layers))
        )
    except ValueError:  # the model has some of a mapping's layers, but not all
        return False


def _refuse_two_sparsities(name: str, mask_structure: str, sparsity: float | None) -> None:
    zeros, _, group = mask_structure.partition(":")
    if zeros != "0" and group and sparsity is not None and sparsity != int(zeros) / int(group):
        raise UserError(
            f"recipe: {name} has mask_structure {mask_structure} and sparsity {sparsity}: the mask removes {zeros} of every {group}"
            f" weights, so give sparsity {int(zeros) / int(group)} or another mask"
        )


def _most_levels(groups: Tensor) -> int:
    """Return the largest number of different values in a row of [groups, weights]."""
    ordered = groups.detach().float().sort(dim=1).values
    return int((ordered.diff(dim=1) != 0).sum(dim=1).max()) + 1
