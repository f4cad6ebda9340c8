"""Prefill: keys and values of prompts, computed once and stored in the KV cache of the batch that continues them.

`prefill` fills one `PrefixKVCache` per batch. `PrefixCache` keeps the states of single prompts between batches, so that generation
reuses the states that scoring computed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import torch
from transformers.cache_utils import Cache, DynamicLayer

from lm_eval_illusion.inference.batching import batches

Prompt = tuple[int, ...]

# Per layer the keys and the values of one prompt, [heads, L, head_dim] each.
LayerKV = list[tuple[torch.Tensor, torch.Tensor]]

# When the free slots of a layer are used up, its buffer grows by the size of this many updates.
UPDATES_PER_GROWTH = 16


class PrefillDone(Exception):  # noqa: N818 (not an error)
    """Raised by a cache to end the forward pass once the last layer's keys and values are stored: its output is not needed."""


class PreallocatedLayer(DynamicLayer):  # type: ignore[misc]
    """KV cache of one layer: buffers [B, heads, slots, head_dim], of which the first K slots are used.

    `keys` and `values` are views of the used slots. An update writes into free slots; the buffers are copied only if there are too few.
    """

    def set_buffers(self, keys: torch.Tensor, values: torch.Tensor, length: int) -> None:
        """Use these buffers, [B, heads, slots, head_dim] each, with `length` used slots."""
        self.lazy_initialization(keys, values)
        self.buffers = (keys, values)
        self._set_length(length)

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append states [B, heads, n, head_dim]; return all keys and all values, [B, heads, K + n, head_dim]."""
        added = key_states.shape[2]
        length = self.keys.shape[2]
        if length + added > self.buffers[0].shape[2]:
            slots = length + UPDATES_PER_GROWTH * added
            self.buffers = (_grown(self.keys, slots), _grown(self.values, slots))
        for buffer, states in zip(self.buffers, (key_states, value_states), strict=True):
            buffer[:, :, length : length + added] = states
        self._set_length(length + added)
        return self.keys, self.values

    def select_keys(self, indices: torch.Tensor, start: int) -> None:
        """Keep the slots before `start`, and after them the slots at `indices`, [B, n] int64, in that order."""
        length = start + indices.shape[1]
        for buffer, states in zip(self.buffers, (self.keys, self.values), strict=True):
            index = indices[:, None, :, None].expand(-1, states.shape[1], -1, states.shape[3])
            buffer[:, :, start:length] = states.gather(2, index)
        self._set_length(length)

    def select_rows(self, rows: torch.Tensor, start: int) -> None:
        """Keep the batch rows before `start`, and after them the rows `rows`, [n] int64, in that order."""
        length = self.keys.shape[2]
        count = start + len(rows)
        for buffer, states in zip(self.buffers, (self.keys, self.values), strict=True):
            buffer[start:count, :, :length] = states[rows]
        self.buffers = (self.buffers[0][:count], self.buffers[1][:count])
        self._set_length(length)

    def _set_length(self, length: int) -> None:
        self.keys, self.values = (buffer[:, :, :length] for buffer in self.buffers)


class PrefixKVCache(Cache):  # type: ignore[misc]
    """KV cache of a batch of prompts and of the tokens after them, for `model(past_key_values=...)`.

    A prompt has one row. Its keys and values are padded on the right to `length` slots with zeros; `free_slots` slots follow for later
    tokens. transformers' sliding-window layers are not used: they would drop keys, because they count the tokens of all branches.
    """

    def __init__(self, rows: int, length: int, free_slots: int = 0) -> None:
        super().__init__(layer_class_to_replicate=PreallocatedLayer)
        self.rows = rows
        self.length = length
        self.free_slots = free_slots

    def write(self, layer_idx: int, row: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Copy a prompt's keys and values of one layer, [heads, L, head_dim] each with L <= `length`, into its row."""
        while len(self.layers) <= layer_idx:
            self.layers.append(PreallocatedLayer())
        layer = self.layers[layer_idx]
        if not layer.is_initialized:
            layer.set_buffers(self._allocate(keys), self._allocate(values), self.length)
        for buffer, states in zip(layer.buffers, (keys, values), strict=True):
            used = states.shape[1]
            buffer[row, :, :used] = states
            buffer[row, :, used : self.length] = 0

    def _allocate(self, states: torch.Tensor) -> torch.Tensor:
        heads, _, head_dim = states.shape
        return states.new_empty((self.rows, heads, self.length + self.free_slots, head_dim))

    def states(self, row: int, length: int) -> LayerKV:
        """Return the first `length` keys and values of a row, as views of the cache."""
        return [(layer.keys[row, :, :length], layer.values[row, :, :length]) for layer in self.layers]

    def select_rows(self, rows: torch.Tensor) -> None:
        """Keep the batch rows `rows`, [n] int64, in that order."""
        unchanged = _unchanged(rows[None])
        for layer in self.layers:
            layer.select_rows(rows[unchanged:], unchanged)

    def select_keys(self, indices: torch.Tensor) -> None:
        """Keep the slots at `indices`, [B, n] int64, in that order."""
        unchanged = _unchanged(indices)
        for layer in self.layers:
            layer.select_keys(indices[:, unchanged:], unchanged)


def _unchanged(indices: torch.Tensor) -> int:
    """Count the leading positions of `indices` [B, n] that hold their own position in all rows: mostly the prompts' keys."""
    in_place = (indices == torch.arange(indices.shape[1], device=indices.device)).all(dim=0)
    return int(in_place.int().cumprod(dim=0).sum())


def _grown(states: torch.Tensor, slots: int) -> torch.Tensor:
    """Copy [B, heads, K, head_dim] into a new buffer [B, heads, slots, head_dim]."""
    buffer = states.new_empty((*states.shape[:2], slots, states.shape[3]))
    buffer[:, :, : states.shape[2]] = states
    return buffer


class PrefixCache:
    """Keys and values of scored prompts, stored until generation takes them: lm_eval requests all scores before any text."""

    def __init__(self, max_tokens: int) -> None:
        """`max_tokens`: limit for all stored prompts together; prompts that do not fit are not stored."""
        self.free_tokens = max_tokens
        self.states: dict[Prompt, LayerKV] = {}

    def keep(self, prompt: Prompt, states: LayerKV) -> None:
        """Store a copy of the states if it fits. A copy, because `states` are views of a batch whose memory is freed."""
        if prompt not in self.states and len(prompt) <= self.free_tokens:
            self.free_tokens -= len(prompt)
            self.states[prompt] = [(keys.clone(), values.clone()) for keys, values in states]

    def take(self, prompt: Prompt) -> LayerKV | None:
        """Remove and return a prompt's states; None if they are not stored."""
        states = self.states.pop(prompt, None)
        if states is not None:
            self.free_tokens += len(prompt)
        return states

    def clear(self) -> None:
        """Remove all states."""
        self.free_tokens += sum(map(len, self.states))
        self.states.clear()


def prefill(
    model: Any,
    prompts: Sequence[Prompt],
    device: torch.device,
    max_tokens: int,
    prefix_cache: PrefixCache,
    free_slots: int = 0,
) -> PrefixKVCache:
    """Prefill each prompt once; every continuation reuses its KV cache.

    The keys and values of all tokens but the last are computed; the caller computes the logits of the last token with its first step.
    `prompts`: token ids, one or more each; equal prompts are computed once. Prompts in `prefix_cache` are taken from there. The others
    go through the model in batches of at most `max_tokens` tokens, padding included, and are written directly into the rows of the
    returned cache. `free_slots`: slots for later tokens after each prompt. The caller sets inference mode and autocast.
    """
    rows: dict[Prompt, list[int]] = defaultdict(list)
    for row, prompt in enumerate(prompts):
        rows[prompt].append(row)
    cache = PrefixKVCache(len(prompts), max(map(len, prompts)) - 1, free_slots)
    missing: list[PrefillRow] = []
    for prompt, rows_of_prompt in rows.items():
        states = prefix_cache.take(prompt)
        if states is None:
            missing.append(PrefillRow(prompt, rows_of_prompt))
            continue
        for layer_idx, (keys, values) in enumerate(states):
            for row in rows_of_prompt:
                cache.write(layer_idx, row, keys, values)
    missing.sort(key=lambda row: (-len(row.prompt), row.prompt))
    # The longest first: the first prompt of a batch determines its padded length.
    for batch in batches(missing, lambda batch: len(batch) * len(batch[0].prompt) <= max_tokens):
        _forward_prompts(model, batch, cache, device)
    return cache


def bytes_per_token(model: Any, device: torch.device) -> int:
    """Return the bytes of one token's keys and values in all layers, measured on a prompt: layers may differ, or share their keys.

    The caller sets inference mode and autocast.
    """
    states = prefill(model, [(0, 0)], device, max_tokens=2, prefix_cache=PrefixCache(0)).states(0, 1)
    return sum(part.numel() * part.itemsize for layer in states for part in layer)


class PrefillRow(NamedTuple):
    """A prompt to compute, and the rows of the cache that take its states."""

    prompt: Prompt
    cache_rows: list[int]


class _PrefillWriter(Cache):  # type: ignore[misc]
    """A cache to pass to the model in place of an empty one: it copies each layer's states into the rows of a `PrefixKVCache`."""

    def __init__(self, batch: Sequence[PrefillRow], cache: PrefixKVCache, last_layer: int) -> None:
        super().__init__(layer_class_to_replicate=DynamicLayer)
        self.batch = batch
        self.cache = cache
        self.last_layer = last_layer

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Copy states [B, heads, L, head_dim] without padding; return them, because a prompt attends to itself alone.

        Raises:
            PrefillDone: This was the last layer.
        """
        for number, (prompt, cache_rows) in enumerate(self.batch):
            length = len(prompt) - 1
            for row in cache_rows:
                self.cache.write(layer_idx, row, key_states[number, :, :length], value_states[number, :, :length])
        if layer_idx == self.last_layer:
            raise PrefillDone
        return key_states, value_states


def _forward_prompts(model: Any, batch: Sequence[PrefillRow], cache: PrefixKVCache, device: torch.device) -> None:
    """Run the prompts through the model, padded on the right: a causal model does not see the padding.

    No attention mask is passed, because attention kernels are fastest without one.
    """
    writer = _PrefillWriter(batch, cache, last_layer=model.config.get_text_config().num_hidden_layers - 1)
    # A prompt of one token has no states; a padding token in its place gives the cache its shape.
    ids = padded([row.prompt[:-1] or (0,) for row in batch], device)
    with suppress(PrefillDone):
        model(input_ids=ids, past_key_values=writer, use_cache=True, logits_to_keep=1)


def padded(rows: Sequence[Sequence[int]], device: torch.device, filling: int = 0) -> torch.Tensor:
    """Return [len(rows), longest] int64 on `device`, padded on the right with `filling`."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[filling] * (longest - len(row))] for row in rows], dtype=torch.long, device=device)
