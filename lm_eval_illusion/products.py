"""Products with large weights on a processor, by pieces of the weight."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch

# Outputs of a piece: hundreds of tokens times a whole weight took up to a quarter longer than times its pieces, which stay in the
# processor's cache; thousands of tokens, as when prompts are read, took as long either way.
PIECE = 512


@contextmanager
def multiplying_in_pieces(model: Any) -> Iterator[None]:
    """Within it, plain float32 layers on a processor multiply by pieces, the output head among them; any other is left as it is."""
    with ExitStack() as afterwards:
        for layer in model.modules():
            # Something else stands in for a layer's `forward` where accelerate has put a hook there.
            if type(layer) is torch.nn.Linear and "forward" not in vars(layer) and _is_worth_it(layer.weight):
                layer.forward = partial(_multiply, layer)  # type: ignore[method-assign]
                afterwards.callback(delattr, layer, "forward")
        yield


def _is_worth_it(weight: torch.Tensor) -> bool:
    is_plain = weight.device.type == "cpu" and weight.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    return is_plain and len(weight) > PIECE


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
