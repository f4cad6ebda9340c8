"""OWL on a model: from what goes into its layers to the sparsity of each.

The transformer blocks of a model, whatever its architecture calls them.

OWL: a block with more outliers is pruned less (Yin et al., "Outlier Weighed Layerwise Sparsity", arXiv 2310.05175).

The paper writes S_i in [S - lambda, S + lambda] with mean S, S_i falling with the outlier share D_i. Its published numbers come from
github.com/luuyin/OWL (lib/prune_all.py), which spreads the D_i over a window of width 2 lambda and moves that window until the mean is S.
Where the D_i are skewed, a block may so be further than lambda from S; we do as the code does. Two things are ours: the mean is taken
over weights, so that blocks of different sizes still give S on the whole (equal blocks: the same), and equal D_i give S (there: 0 / 0).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.sparsity import prunable_weights

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


def layers_of_blocks(model: PreTrainedModel) -> dict[str, list[str]]:
    """The prunable layers of each block, by the block's name, in the order of the model.

    The blocks are the list of as many modules as the configuration has hidden layers; of several the one with the most parameters.

    Raises:
        UserError: there is no such list.
    """
    from torch.nn import ModuleList

    count = model.config.get_text_config().num_hidden_layers
    lists = {name: module for name, module in model.named_modules() if isinstance(module, ModuleList) and len(module) == count}
    if not lists:
        raise UserError(f"{type(model).__name__} has no list of {count} blocks that OWL could tell apart: give pruner=wanda")
    blocks = max(lists, key=lambda name: sum(weight.numel() for weight in lists[name].parameters()))
    prunable = [name for name, _ in prunable_weights(model)]
    # With the dot: layers.1 is no beginning of layers.10.
    of_block = {
        f"{blocks}.{number}": [name for name in prunable if name.startswith(f"{blocks}.{number}.")] for number in range(count)
    }
    return {block: layers for block, layers in of_block.items() if layers}


def outlier_share(layers: Sequence[tuple[Tensor, Tensor]], times: float) -> float:
    """The share of a block's weights whose |w| x ||x|| exceeds `times` (M) times the block's mean of it (the paper's section 3.2).

    `layers`: weight, [outputs, inputs], and the sums of squares of its inputs over the calibration tokens, [inputs], of each linear layer.
    """
    import torch

    def metric(weight: Tensor, squares: Tensor) -> Tensor:
        return weight.float().abs() * squares.sqrt().float()

    total = sum(weight.numel() for weight, _ in layers)
    with torch.no_grad():
        mean = sum(float(metric(*layer).sum(dtype=torch.float64)) for layer in layers) / total
        # Twice computed rather than kept: a block of a large model has some hundred million weights.
        return sum(int((metric(*layer) > times * mean).sum()) for layer in layers) / total


def block_sparsities(shares: Sequence[float], sizes: Sequence[int], sparsity: float, width: float) -> list[float]:
    """The sparsity of each block, with mean `sparsity` over all weights and 2 x `width` (lambda) between the least and the most.

    `shares`: the blocks' outlier shares; `sizes`: their numbers of weights.

    Raises:
        UserError: a block would lose all its weights or more, or fewer than none.
    """
    least, most = min(shares), max(shares)
    kept = [2 * width * (share - least) / (most - least) if most > least else 0.0 for share in shares]
    mean = sum(one * size for one, size in zip(kept, sizes, strict=True)) / sum(sizes)
    sparsities = [sparsity + mean - one for one in kept]
    for number, one in enumerate(sparsities):
        if not 0 <= one < 1:
            raise UserError(
                f"owl_lambda {width:g} at sparsity {sparsity:g} gives block {number} a sparsity of {one:.3f}, which is not in [0, 1):"
                " give a smaller owl_lambda"
            )
    return sparsities


def whole_rows(shapes: Sequence[tuple[int, int]], sparsities: Sequence[float]) -> list[float]:
    """Each layer's sparsity moved to a whole number of weights a row, up or down, so that the sum over all layers stays.

    Wanda removes int(inputs x sparsity) weights of each row. Rounded down in every layer, a small model would come out less sparse than
    asked. `shapes`: (outputs, inputs).
    """
    result, owed = [], 0.0
    for (outputs, inputs), sparsity in zip(shapes, sparsities, strict=True):
        exact = inputs * sparsity
        lower = math.floor(exact + 1e-9)
        count = lower + 1 if exact - lower + owed / outputs > 0.5 and exact - lower > 1e-9 else lower
        owed += (exact - count) * outputs
        # A little above the whole number, which floating point would else fall short of.
        result.append((count + 1e-6) / inputs)
    return result


class OwlProfile(NamedTuple):
    """`of_layer`: the sparsity of each prunable layer; `of_block`: by block, its outlier share and sparsity, as the manifest shows them."""

    of_layer: dict[str, float]
    of_block: dict[str, dict[str, float]]

    def in_order(self, linear_layers: list[str], otherwise: float) -> list[float]:
        """One a linear layer, as llmcompressor takes them; `otherwise` for those that are not pruned."""
        return [self.of_layer.get(name, otherwise) for name in linear_layers]


def owl_profile(
    model: PreTrainedModel, squares: Mapping[str, Tensor], sparsity: float, width: float, times: float
) -> OwlProfile:
    """All layers of a block get its sparsity, up to less than one weight a row; layers outside the blocks get `sparsity`.

    `squares`: by layer, [inputs], the sums of squares of its inputs; a layer that saw no token has no outliers.
    `width`, `times`: OWL's lambda and M.

    Raises:
        UserError: the model has no blocks, or one of them would lose everything.
    """
    import torch

    weights = dict(prunable_weights(model))
    blocks = layers_of_blocks(model)
    seen = {name: squares.get(name, torch.zeros(weight.shape[1], dtype=torch.float64)) for name, weight in weights.items()}
    shares = [outlier_share([(weights[name], seen[name]) for name in layers], times) for layers in blocks.values()]
    sizes = [sum(weights[name].numel() for name in layers) for layers in blocks.values()]
    sparsities = block_sparsities(shares, sizes, sparsity, width)
    wanted = dict.fromkeys(weights, sparsity)
    for layers, one in zip(blocks.values(), sparsities, strict=True):
        wanted |= dict.fromkeys(layers, one)
    shapes = [(weight.shape[0], weight.shape[1]) for weight in weights.values()]
    found = [{"outlier_share": share, "sparsity": one} for share, one in zip(shares, sparsities, strict=True)]
    return OwlProfile(
        dict(zip(weights, whole_rows(shapes, list(wanted.values())), strict=True)), dict(zip(blocks, found, strict=True))
    )


def linear_layers(model: PreTrainedModel) -> list[str]:
    """The names of all linear layers, the output head among them, in the order in which llmcompressor meets them."""
    from torch.nn import Linear
    from transformers.pytorch_utils import Conv1D

    kinds: Any = (Linear, Conv1D)
    return [name for name, module in model.named_modules() if isinstance(module, kinds)]
