"""Wanda's squares of what goes into a layer, summed over the tokens as they lie in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def squares_as_they_lie() -> Iterator[None]:
    """Within it, llmcompressor's Wanda sums squares by `accumulate_squares`; its own norm took an eighth of pruning."""
    from compressed_tensors.utils import patch_attr
    from llmcompressor.modifiers.pruning.wanda import base

    with patch_attr(base, "accumulate_row_scalars", accumulate_squares):
        yield


def accumulate_squares(
    inputs: torch.Tensor, _: torch.nn.Module, squares: torch.Tensor, samples: int
) -> tuple[torch.Tensor, int]:
    """The sums of squares over all tokens so far by `samples` so far, [width], with `inputs` added; and how many samples these are.

    `inputs`: [samples, tokens, width] of a linear layer, or [tokens, width], one sample; `squares`: before, changed in place.
    """
    added = inputs.shape[0] if inputs.dim() == 3 else 1
    tokens = inputs.to(device=squares.device, dtype=torch.float32).reshape(-1, inputs.shape[-1])
    squares *= samples / (samples + added)
    squares += tokens.pow(2).sum(dim=0) / (samples + added)
    return squares, samples + added
