"""The projection to the vocabulary on a processor, by pieces of the vocabulary."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

# Tokens of a piece: one product of 512 positions with a vocabulary of 152,000 took a tenth to a quarter longer than its pieces.
PIECE = 2048


@contextmanager
def projecting_in_pieces(model: Any) -> Iterator[None]:
    """Within it, an output head that is a plain float32 layer on a processor multiplies by pieces; any other is left as it is."""
    head = model.get_output_embeddings()
    # Something else stands in for the head's `forward` where accelerate has put a hook there.
    if type(head) is not torch.nn.Linear or head.bias is not None or "forward" in vars(head) or not _is_plain(head.weight):
        yield
        return
    head.forward = partial(_project, head.weight)
    try:
        yield
    finally:
        del head.forward


def _is_plain(weight: torch.Tensor) -> bool:
    return weight.device.type == "cpu" and weight.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")


def _project(weight: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """`weight`: [vocabulary, width]; `hidden`: [..., width] -> logits [..., vocabulary]."""
    rows = hidden.reshape(-1, hidden.shape[-1])
    logits = rows.new_empty((len(rows), len(weight)))
    for start in range(0, len(weight), PIECE):
        torch.mm(rows, weight[start : start + PIECE].T, out=logits[:, start : start + PIECE])
    return logits.view(*hidden.shape[:-1], len(weight))
