"""OWL on a model: from what goes into its layers to the sparsity of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from lm_eval_illusion.blocks import layers_of_blocks
from lm_eval_illusion.owl import block_sparsities, outlier_share, whole_rows
from lm_eval_illusion.sparsity import prunable_weights

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


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
