"""Attention keys that several blocks share (Gemma 3n, Gemma 4), kept while blocks are calibrated one after the other."""

from __future__ import annotations

import inspect
from collections import UserDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.nn import Module
    from transformers import PreTrainedModel

ARGUMENT = "shared_kv_states"
"""The argument of a block, a dictionary: a block writes its keys and values there, and later blocks read them."""


@contextmanager
def shared_keys_kept(model: PreTrainedModel, batches: int) -> Iterator[None]:
    """Within the `with` statement, give all blocks the same dictionary of shared keys for the same batch.

    llmcompressor runs each block on all batches before the next block, and passes each an empty dictionary. `batches`: number of batches;
    each pass over a block runs all of them in order.
    """
    # compressed-tensors copies every dict that a module gets, to move its tensors; what a block writes into the copy is lost.
    states: list[UserDict[Any, Any]] = [UserDict() for _ in range(batches)]

    def hook() -> Callable[[Module, tuple[Any, ...], dict[str, Any]], tuple[tuple[Any, ...], dict[str, Any]]]:
        calls = 0

        def keep(_: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
            nonlocal calls
            state = states[calls % batches]
            calls += 1
            return args, kwargs | {ARGUMENT: state}

        return keep

    handles = [
        block.register_forward_pre_hook(hook(), with_kwargs=True) for block in _blocks(model) if _takes_shared_keys(block)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _blocks(model: PreTrainedModel) -> list[Module]:
    from lm_eval_illusion.pruning.weights import block_list

    blocks = block_list(model)
    return [] if blocks is None else list(blocks[1])


def _takes_shared_keys(block: Module) -> bool:
    return ARGUMENT in inspect.signature(block.forward).parameters
