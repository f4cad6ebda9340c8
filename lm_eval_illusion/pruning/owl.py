"""OWL: transformer blocks with more outlier weights are pruned less (Yin et al., "Outlier Weighed Layerwise Sparsity", arXiv 2310.05175).

The paper states S_i in [S - lambda, S + lambda] with mean S, where the sparsity S_i falls as the outlier share D_i rises. Its published
numbers come from github.com/luuyin/OWL (lib/prune_all.py): that code maps the D_i linearly to a window of width 2 lambda and shifts
the window until the mean is S. If the D_i are skewed, a block may be further than lambda from S. We follow the code, with two
differences: the mean is taken over weights, so that blocks of different sizes still give S overall (no change if they are equal),
and equal D_i give S (the code divides 0 by 0).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.manifest import BlockRecord
from lm_eval_illusion.pruning.weights import block_list, prunable_weights

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


class OwlProfile(NamedTuple):
    """OWL's result for a model. `layer_sparsities`: sparsity by prunable layer; `blocks`: outlier share and sparsity by block name."""

    layer_sparsities: dict[str, float]
    blocks: dict[str, BlockRecord]

    def in_order(self, linear_layers: Sequence[str], default: float) -> list[float]:
        """Return one sparsity per linear layer, the form that llmcompressor takes; `default` for layers that are not pruned."""
        return [self.layer_sparsities.get(name, default) for name in linear_layers]


def owl_profile(
    model: PreTrainedModel,
    squares: Mapping[str, Tensor],
    sparsity: float,
    owl_lambda: float,
    owl_m: float,
    skipped: Collection[str] = (),
) -> OwlProfile:
    """Compute the sparsity of each block and layer of a model.

    All layers of a block get the block's sparsity, up to rounding to whole weights per row; layers outside the blocks get `sparsity`.
    `squares`: layer name -> [inputs], sums of squared inputs over the calibration tokens; a missing layer received no token and has no
    outliers. `sparsity`: mean over all weights. `owl_lambda`: half the distance between the most and the least sparse block.
    `owl_m`: multiple of the block's mean metric from which a weight is an outlier. `skipped`: layers that are not to be pruned.

    Raises:
        UserError: The model has no list of blocks, or a block's sparsity is not in [0, 1).
    """
    import torch

    weights = dict(prunable_weights(model, skipped))
    blocks = layers_of_blocks(model, skipped)
    no_input = {
        name: torch.zeros(weight.shape[1], dtype=torch.float64) for name, weight in weights.items() if name not in squares
    }
    all_squares = {**squares, **no_input}
    shares = [outlier_share([(weights[name], all_squares[name]) for name in layers], owl_m) for layers in blocks.values()]
    sizes = [sum(weights[name].numel() for name in layers) for layers in blocks.values()]
    sparsities = block_sparsities(shares, sizes, sparsity, owl_lambda)
    layer_sparsities = dict.fromkeys(weights, sparsity)
    for layers, block_sparsity in zip(blocks.values(), sparsities, strict=True):
        layer_sparsities |= dict.fromkeys(layers, block_sparsity)
    shapes = [(weight.shape[0], weight.shape[1]) for weight in weights.values()]
    rounded = round_to_whole_weights(shapes, list(layer_sparsities.values()))
    records = [BlockRecord(share, block_sparsity) for share, block_sparsity in zip(shares, sparsities, strict=True)]
    return OwlProfile(dict(zip(weights, rounded, strict=True)), dict(zip(blocks, records, strict=True)))


def layers_of_blocks(model: PreTrainedModel, skipped: Collection[str] = ()) -> dict[str, list[str]]:
    """Return the prunable layers of each transformer block: block name -> layer names, in the order of the model.

    Raises:
        UserError: The model has no list of blocks.
    """
    blocks = block_list(model)
    if blocks is None:
        count = model.config.get_text_config().num_hidden_layers
        raise UserError(f"{type(model).__name__} has no list of {count} blocks, which OWL needs: give pruner=wanda")
    list_name, modules = blocks
    prunable = [name for name, _ in prunable_weights(model, skipped)]
    # Compare with the dot: "layers.1" is a prefix of "layers.10".
    layers_by_block = {
        f"{list_name}.{number}": [name for name in prunable if name.startswith(f"{list_name}.{number}.")]
        for number in range(len(modules))
    }
    return {block: layers for block, layers in layers_by_block.items() if layers}


def outlier_share(layers: Sequence[tuple[Tensor, Tensor]], owl_m: float) -> float:
    """Return the share of a block's weights whose metric |W_ij| x ||X_j||_2 exceeds `owl_m` times the block's mean (section 3.2).

    `layers`: for each linear layer of the block its weight, [outputs, inputs], and the sums of squared inputs over the calibration
    tokens, [inputs].
    """
    import torch

    def metric(weight: Tensor, squares: Tensor) -> Tensor:
        return weight.float().abs() * squares.sqrt().float()

    total = sum(weight.numel() for weight, _ in layers)
    with torch.no_grad():
        mean = sum(float(metric(*layer).sum(dtype=torch.float64)) for layer in layers) / total
        # The metric is computed twice, not stored: a block of a large model has some hundred million weights.
        return sum(int((metric(*layer) > owl_m * mean).sum()) for layer in layers) / total


def block_sparsities(shares: Sequence[float], sizes: Sequence[int], sparsity: float, owl_lambda: float) -> list[float]:
    """Return the sparsity of each block: linear in the outlier share, with mean `sparsity` over all weights and range 2 x `owl_lambda`.

    `shares`: outlier share of each block; `sizes`: number of weights of each block.

    Raises:
        UserError: A sparsity is not in [0, 1).
    """
    lowest, highest = min(shares), max(shares)
    # How much less sparse each block is than the sparsest one.
    reductions = [2 * owl_lambda * (share - lowest) / (highest - lowest) if highest > lowest else 0.0 for share in shares]
    mean = sum(reduction * size for reduction, size in zip(reductions, sizes, strict=True)) / sum(sizes)
    sparsities = [sparsity + mean - reduction for reduction in reductions]
    for number, block_sparsity in enumerate(sparsities):
        if not 0 <= block_sparsity < 1:
            raise UserError(
                f"owl_lambda {owl_lambda:g} at sparsity {sparsity:g} gives block {number} a sparsity of {block_sparsity:.3f}, which is"
                " not in [0, 1): give a smaller owl_lambda"
            )
    return sparsities


def round_to_whole_weights(shapes: Sequence[tuple[int, int]], sparsities: Sequence[float]) -> list[float]:
    """Round each layer's sparsity to a whole number of weights per row, up or down, so that the sum over all layers is kept.

    Wanda removes int(inputs x sparsity) weights of each row. If every layer were rounded down, a small model would be less sparse
    than requested. `shapes`: (outputs, inputs) of each layer.
    """
    result = []
    # Weights that the layers so far should have removed and did not.
    missing = 0.0
    for (outputs, inputs), sparsity in zip(shapes, sparsities, strict=True):
        exact = inputs * sparsity
        lower = math.floor(exact + 1e-9)
        count = lower + 1 if exact - lower + missing / outputs > 0.5 and exact - lower > 1e-9 else lower
        missing += (exact - count) * outputs
        # Slightly above the whole number, so that int(inputs x sparsity) does not fall below it in floating point.
        result.append((count + 1e-6) / inputs)
    return result


def linear_layers(model: PreTrainedModel) -> list[str]:
    """Return the names of all linear layers, output head included, in the order in which llmcompressor finds them.

    `model`: in linear form. llmcompressor takes a subclass of `nn.Linear` for one.
    """
    from compressed_tensors.utils import match_named_modules

    return [name for name, _ in match_named_modules(model, ["Linear"])]
