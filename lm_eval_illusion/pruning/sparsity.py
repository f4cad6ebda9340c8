"""Measured sparsity: the share of zeros in each layer that may be pruned, and the checks that pruning did what was requested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lm_eval_illusion.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

TOLERANCE = 0.005
GPTQ_HINT = "GPTQ overwrites zeros: in the recipe put pruning after GPTQ, or quantise with QuantizationModifier"
# Share of a layer's weights that may be zero in addition to an N:M mask: in float16 the smallest of some millions underflow to zero.
UNDERFLOW_SHARE = 1e-4


def prunable_weights(model: PreTrainedModel) -> Iterator[tuple[str, Tensor]]:
    """Yield name and weight, [outputs, inputs], of every linear layer except the output head.

    Embeddings and norms are not linear layers. GPT-2's Conv1D layers are; their weights are transposed.
    """
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
    """Return the share of exact zeros in each prunable layer, by layer name."""
    return {name: _count_zeros(weight) / weight.numel() for name, weight in prunable_weights(model)}


def overall_sparsity(model: PreTrainedModel) -> float:
    """Return the share of exact zeros among all prunable weights, so that larger layers count more."""
    zeros = total = 0
    for _, weight in prunable_weights(model):
        zeros += _count_zeros(weight)
        total += weight.numel()
    return zeros / total


def check_shapes(model: PreTrainedModel, mask_structure: str) -> None:
    """Check, before pruning, that the groups of an N:M mask fit into the rows of every layer.

    Raises:
        UserError: A layer's number of inputs is not a multiple of M; the first such layer is named.
    """
    group = int(mask_structure.split(":")[1])
    for name, weight in prunable_weights(model):
        if group and weight.shape[1] % group:
            raise UserError(f"layer {name} has {weight.shape[1]} inputs, not a multiple of {group}: use mask_structure 0:0")


def check_sparsity(
    model: PreTrainedModel,
    expected: float,
    mask_structure: str,
    *,
    layer_sparsities: Mapping[str, float] | None = None,
    at_least: bool = False,
) -> None:
    """Check the measured sparsity of the model, of each layer and, for an N:M mask, of each group.

    `expected`: sparsity of the whole model and of each layer; `layer_sparsities` replaces it for the layers that it names. `at_least`:
    more zeros are accepted, because quantisation rounds small weights to zero.

    Raises:
        UserError: The sparsity differs by more than `TOLERANCE`; the layer with the largest difference is named.
    """
    if mask_structure != "0:0":
        _check_groups(model, mask_structure, at_least)
    measured = measure_sparsity(model)
    difference = {name: measured[name] - (layer_sparsities or {}).get(name, expected) for name in measured}
    # A method that works row by row can miss the target by less than one weight per row; the whole model may not.
    excess = {name: _fault(difference[name], at_least) - 1 / weight.shape[1] for name, weight in prunable_weights(model)}
    worst = max(excess, key=excess.__getitem__)
    overall = overall_sparsity(model)
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


def _check_groups(model: PreTrainedModel, mask_structure: str, at_least: bool) -> None:
    """Check every group of an N:M mask. Groups lie along a row: hardware multiplies M weights of the same output together."""
    # Repeated after pruning: llmcompressor splits the experts of some models, and only then they are linear layers.
    check_shapes(model, mask_structure)
    zeros, group = (int(part) for part in mask_structure.split(":"))
    for name, weight in prunable_weights(model):
        zeros_in_group = (weight.reshape(-1, group) == 0).sum(dim=1)
        fewest, most = int(zeros_in_group.min()), int(zeros_in_group.max())
        if fewest < zeros:
            hint = f": {GPTQ_HINT}" if at_least else ""
            raise UserError(f"layer {name} has a group of {group} with {fewest} zeros, {zeros} were requested{hint}")
        surplus = int((zeros_in_group - zeros).sum())
        if not at_least and surplus > UNDERFLOW_SHARE * weight.numel():
            raise UserError(f"layer {name} has a group of {group} with {most} zeros, {zeros} were requested")
