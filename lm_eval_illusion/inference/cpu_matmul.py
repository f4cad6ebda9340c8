"""Products with large weights on a processor, by pieces of the weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch

# Outputs of a piece: hundreds of tokens times a whole weight took up to a quarter longer than times its pieces, which stay in the
# processor's cache; thousands of tokens, as when prompts are read, took as long either way.
PIECE = 512


def large_layers(model: Any) -> list[torch.nn.Linear]:
    """The plain float32 layers on a processor that have more outputs than a piece, the output head among them; the caller sets autocast."""
    if torch.is_autocast_enabled("cpu"):
        return []
    return [
        layer
        for layer in model.modules()
        # Something else stands in for a layer's `forward` where accelerate has put a hook there.
        if type(layer) is torch.nn.Linear and "forward" not in vars(layer) and _is_large(layer.weight)
    ]


def _is_large(weight: torch.Tensor) -> bool:
    return weight.device.type == "cpu" and weight.dtype == torch.float32 and len(weight) > PIECE


@contextmanager
def chunked_matmul(layers: Iterable[torch.nn.Linear]) -> Iterator[None]:
    """Within it, `large_layers` multiply by pieces."""
    with ExitStack() as afterwards:
        for layer in layers:
            layer.forward = partial(_multiply, layer)  # type: ignore[method-assign]
            afterwards.callback(delattr, layer, "forward")
        yield


def _multiply(layer: torch.nn.Linear, states: torch.Tensor) -> torch.Tensor:
    """`states`: [..., inputs] -> [..., outputs], as the layer itself does it."""
    weight, bias = layer.weight, layer.bias
    rows = states.reshape(-1, states.shape[-1])
    product = rows.new_empty((len(rows), len(weight)))
    for piece in (slice(start, start + PIECE) for start in range(0, len(weight), PIECE)):
        if bias is None:
            torch.mm(rows, weight[piece].T, out=product[:, piece])
        else:
            torch.addmm(bias[piece], rows, weight[piece].T, out=product[:, piece])
    return product.view(*states.shape[:-1], len(weight))
