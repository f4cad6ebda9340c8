"""Check that a model's attention obeys the mask that it is given: which modules call which attention, with which mask and keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from transformers import AttentionInterface

from lm_eval_illusion.inference.prefix_tree import tree_attention

# The name under which transformers finds the recording attention function.
RECORDED_ATTENTION = "lm_eval_illusion_recorded"


class AttentionCall(NamedTuple):
    """One call of transformers' attention interface: the module, the address and shape of its mask, and the numbers of its tokens."""

    module: int
    mask: tuple[int, tuple[int, ...]] | None
    queries: int
    keys: int


def obstacle_in_structure(model: Any, forward: Callable[[], object]) -> str | None:
    """Run `forward`, one call of the model with a 4-D mask; return what in it is not attention by this mask, None if nothing is.

    Each decoder layer must have one attention module that calls transformers' attention interface with the very mask, over all keys. So
    nothing else can decide what a token sees, whatever its name: a window, a chunk, a convolution, a recurrence or a choice of tokens
    instead of attention. The function that computes attention is replaced while `forward` runs.
    """
    masks: list[torch.Tensor] = []
    with _recorded_calls(model) as calls:
        hook = model.register_forward_pre_hook(lambda _, __, named: masks.append(named["attention_mask"]), with_kwargs=True)
        try:
            forward()
        finally:
            hook.remove()
    (mask,) = masks
    layers = model.config.get_text_config(decoder=True).num_hidden_layers
    modules = len({call.module for call in calls})
    if modules != layers:
        return f"{modules} of {layers} layers compute attention by transformers' interface"
    queries, keys = mask.shape[2:]
    if any(call[1:] != (_identity(mask), queries, keys) for call in calls):
        return "a layer changes the attention mask"
    return None


def _identity(mask: torch.Tensor) -> tuple[int, tuple[int, ...]]:
    return mask.data_ptr(), tuple(mask.shape)


@contextmanager
def _recorded_calls(model: Any) -> Iterator[list[AttentionCall]]:
    """Within the `with` statement, record all calls of the attention interface by `model`."""
    calls: list[AttentionCall] = []

    def attention(
        module: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attention_mask: torch.Tensor | None,
        **settings: Any,
    ) -> tuple[torch.Tensor, None]:
        identity = None if attention_mask is None else _identity(attention_mask)
        calls.append(AttentionCall(id(module), identity, query.shape[2], key.shape[2]))
        known = {name: settings[name] for name in ("scaling", "position_bias") if name in settings}
        return tree_attention(module, query, key, value, attention_mask, **known)  # type: ignore[arg-type]

    previous = model.config._attn_implementation
    AttentionInterface.register(RECORDED_ATTENTION, attention)
    model.config._attn_implementation = RECORDED_ATTENTION
    try:
        yield calls
    finally:
        model.config._attn_implementation = previous
