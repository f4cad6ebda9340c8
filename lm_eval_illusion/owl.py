"""OWL: a block with more outliers is pruned less (Yin et al., "Outlier Weighed Layerwise Sparsity", arXiv 2310.05175).

The paper writes S_i in [S - lambda, S + lambda] with mean S, S_i falling with the outlier share D_i. Its published numbers come from
github.com/luuyin/OWL (lib/prune_all.py), which spreads the D_i over a window of width 2 lambda and moves that window until the mean is S.
Where the D_i are skewed, a block may so be further than lambda from S; we do as the code does. Two things are ours: the mean is taken
over weights, so that blocks of different sizes still give S on the whole (equal blocks: the same), and equal D_i give S (there: 0 / 0).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lm_eval_illusion.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor


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
