"""Measured sparsity: the share of zeros in each weight of the language model, and the checks that pruning did what was requested."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.weights import layer_weights, name_pattern, prunable_weights

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

TOLERANCE = 0.005
GPTQ_HINT = "GPTQ overwrites zeros: in the recipe put pruning after GPTQ, or quantise with QuantizationModifier"
# Share of a layer's weights that may be zero in addition to an N:M mask: in float16 the smallest of some millions underflow to zero.
UNDERFLOW_SHARE = 1e-4
# Largest share of the weights that no method may reach. State-space models have up to 0.03 in convolutions, state matrices and `dt_proj`,
# tiny ones 0.1; a model whose experts can't be reached has 0.9 or more.
UNREACHABLE_SHARE = 0.15


def measure_sparsity(model: PreTrainedModel) -> dict[str, float]:
    """Return the share of exact zeros in each counted weight, by name."""
    return {name: _count_zeros(weight) / weight.numel() for name, weight, _ in layer_weights(model)}


def overall_sparsity(model: PreTrainedModel) -> float:
    """Return the share of exact zeros among all counted weights, those that are never pruned included; larger layers count more."""
    return _share_of_zeros(weight for _, weight, _ in layer_weights(model))


def still_dense(before: Mapping[str, float], after: Mapping[str, float], quantised: Collection[str]) -> set[str]:
    """Return the names of the weights that a method left dense: no more zeros than before, and not quantised.

    `before`, `after`: from `measure_sparsity`.
    """
    return {name for name, zeros in after.items() if name in before and zeros <= before[name] and name not in quantised}


def sums_of_weights(model: PreTrainedModel) -> dict[str, float]:
    """Return the sum of each counted weight, by name, in float64: equal before and after a method that did nothing."""
    import torch

    return {name: float(weight.detach().sum(dtype=torch.float64)) for name, weight, _ in layer_weights(model)}


def refuse_not_finite(sums: Mapping[str, float], name: str) -> None:
    """Refuse a model with a weight that is NaN or infinite; `sums`: from `sums_of_weights`, `name`: of the model.

    Raises:
        UserError: There is one. No method can compare such weights, and the model can't answer.
    """
    for layer, total in sums.items():
        if not math.isfinite(total):
            raise UserError(f"{name} has weights that are not finite, in {layer}: repair or download the model again")


def zeros_outside(model: PreTrainedModel) -> dict[str, int]:
    """Return the number of zeros in the embeddings and the output head, which no method may prune and no measure counts."""
    modules = {"the embeddings": model.get_input_embeddings(), "the output head": model.get_output_embeddings()}
    return {name: _count_zeros(module.weight) for name, module in modules.items() if hasattr(module, "weight")}


def refuse_pruned_outside(before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """Refuse a recipe that pruned the embeddings or the output head; `before`, `after`: from `zeros_outside`.

    Raises:
        UserError: One of them has more zeros than before.
    """
    for name, zeros in after.items():
        if zeros > before[name]:
            raise UserError(
                f"recipe: it prunes {name}, which no measure of sparsity counts: add `ignore: {{{{ ignore }}}}` to the modifier, and"
                " target linear layers only"
            )


def left_dense(model: PreTrainedModel, skipped: Collection[str]) -> dict[str, float]:
    """Return the weights that stay dense, with their share of all counted weights: name with `*` for numbers -> share.

    They are parameters that are neither linear layers nor routers, and the weights in `skipped`.
    """
    sizes: dict[str, int] = {}
    total = 0
    for name, weight, role in layer_weights(model):
        total += weight.numel()
        if role == "other" or name in skipped:
            pattern = name_pattern(name)
            sizes[pattern] = sizes.get(pattern, 0) + weight.numel()
    return {pattern: size / total for pattern, size in sizes.items()}


def refuse_unreachable(model: PreTrainedModel, skipped: Collection[str]) -> None:
    """Refuse a model of which pruning and quantisation would miss more than small parts. Routers do not count: they stay dense.

    Raises:
        UserError: More than `UNREACHABLE_SHARE` of the weights are neither in linear layers nor in experts of a known layout, or their
            layer's forward function is never called; the largest are named.
    """
    missed = left_dense(model, skipped)
    if sum(missed.values()) > UNREACHABLE_SHARE or not any(True for _ in prunable_weights(model, skipped)):
        largest = sorted(missed, key=missed.__getitem__, reverse=True)[:3]
        raise UserError(
            f"{type(model).__name__}: pruning and quantisation would not reach {sum(missed.values()):.0%} of the weights"
            f" ({', '.join(largest)}), because they are not in linear layers that the model calls: choose another model"
        )


def check_shapes(model: PreTrainedModel, mask_structure: str, skipped: Collection[str] = ()) -> None:
    """Check, before pruning, that the groups of an N:M mask fit into the rows of every layer.

    Raises:
        UserError: A layer's number of inputs is not a multiple of M; the first such layer is named.
    """
    group = int(mask_structure.split(":")[1])
    for name, weight in prunable_weights(model, skipped):
        if group and weight.shape[-1] % group:
            raise UserError(f"layer {name} has {weight.shape[-1]} inputs, not a multiple of {group}: use mask_structure 0:0")


def check_sparsity(
    model: PreTrainedModel,
    expected: float,
    mask_structure: str,
    *,
    layer_sparsities: Mapping[str, float] | None = None,
    at_least: bool = False,
    skipped: Collection[str] = (),
) -> None:
    """Check the measured sparsity of all prunable layers together, of each layer and, for an N:M mask, of each group.

    `expected`: sparsity of all layers and of each one; `layer_sparsities` replaces it for the layers that it names. `at_least`: more
    zeros are accepted, because quantisation rounds small weights to zero. `skipped`: layers that were not to be pruned.

    Raises:
        UserError: The sparsity differs by more than `TOLERANCE`; the layer with the largest difference is named.
    """
    weights = dict(prunable_weights(model, skipped))
    if mask_structure != "0:0":
        _check_groups(weights, mask_structure, at_least)
    measured = {name: _count_zeros(weight) / weight.numel() for name, weight in weights.items()}
    difference = {name: measured[name] - (layer_sparsities or {}).get(name, expected) for name in measured}
    # A method that works row by row can miss the target by less than one weight per row; the whole model may not.
    excess = {name: _fault(difference[name], at_least) - 1 / weight.shape[-1] for name, weight in weights.items()}
    worst = max(excess, key=excess.__getitem__)
    overall = _share_of_zeros(weights.values())
    if _fault(overall - expected, at_least) > TOLERANCE or excess[worst] > TOLERANCE:
        hint = GPTQ_HINT if at_least else "try another pruner or sparsity"
        raise UserError(
            f"pruning gave sparsity {overall:.4f}, {expected} was requested (worst layer {worst}: {measured[worst]:.4f}):"
            f" this is not the requested variant, so nothing is stored; {hint}"
        )


def _count_zeros(weight: Tensor) -> int:
    return weight.numel() - int(weight.count_nonzero())


def _fault(difference: float, at_least: bool) -> float:
    """Return the absolute difference of a sparsity; with `at_least`, the missing share of zeros (negative for surplus zeros)."""
    return -difference if at_least else abs(difference)


def _share_of_zeros(weights: Iterable[Tensor]) -> float:
    zeros = total = 0
    for weight in weights:
        zeros += _count_zeros(weight)
        total += weight.numel()
    return zeros / total


def _check_groups(weights: Mapping[str, Tensor], mask_structure: str, at_least: bool) -> None:
    """Check every group of an N:M mask. Groups lie along a row: hardware multiplies M weights of the same output together."""
    zeros, group = (int(part) for part in mask_structure.split(":"))
    for name, weight in weights.items():
        zeros_in_group = (weight.reshape(-1, group) == 0).sum(dim=1)
        fewest, most = int(zeros_in_group.min()), int(zeros_in_group.max())
        if fewest < zeros:
            hint = f": {GPTQ_HINT}" if at_least else ""
            raise UserError(f"layer {name} has a group of {group} with {fewest} zeros, {zeros} were requested{hint}")
        surplus = int((zeros_in_group - zeros).sum())
        if not at_least and surplus > UNDERFLOW_SHARE * weight.numel():
            raise UserError(f"layer {name} has a group of {group} with {most} zeros, {zeros} were requested")
