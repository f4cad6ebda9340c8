"""Matrix products with large weights on a CPU, in chunks of the weight that stay in the CPU's cache."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch

# Output features of a chunk. Measured: hundreds of tokens times a whole weight took up to a quarter longer than times its chunks;
# thousands of tokens, as in prefill, took equally long both ways.
CHUNK = 512


def large_layers(model: Any) -> list[torch.nn.Linear]:
    """Return the plain float32 CPU layers with more than `CHUNK` output features, the output head included.

    The list is empty under CPU autocast, which changes the dtype of the product. Set autocast before the call.
    """
    if torch.is_autocast_enabled("cpu"):
        return []
    return [
        layer
        for layer in model.modules()
        # An instance's own `forward` is a hook of accelerate.
        if type(layer) is torch.nn.Linear and "forward" not in vars(layer) and _is_large(layer.weight)
    ]


def _is_large(weight: torch.Tensor) -> bool:
    return weight.device.type == "cpu" and weight.dtype == torch.float32 and len(weight) > CHUNK


@contextmanager
def chunked_matmul(layers: Iterable[torch.nn.Linear]) -> Iterator[None]:
    """Within the `with` statement, let `layers` (from `large_layers`) multiply in chunks. Results differ from torch's by rounding."""
    with ExitStack() as restored:
        for layer in layers:
            layer.forward = partial(_multiply, layer)  # type: ignore[method-assign]
            restored.callback(delattr, layer, "forward")
        yield


def _multiply(layer: torch.nn.Linear, states: torch.Tensor) -> torch.Tensor:
    """Apply the layer to float32 states, [..., inputs] -> [..., outputs]."""
    weight, bias = layer.weight, layer.bias
    rows = states.reshape(-1, states.shape[-1])
    product = rows.new_empty((len(rows), len(weight)))
    for chunk in (slice(start, start + CHUNK) for start in range(0, len(weight), CHUNK)):
        if bias is None:
            torch.mm(rows, weight[chunk].T, out=product[:, chunk])
        else:
            torch.addmm(bias[chunk], rows, weight[chunk].T, out=product[:, chunk])
    return product.view(*states.shape[:-1], len(weight))
