"""Reading prompts: their keys and values, of all tokens but the last, computed once and kept for who asks the same again.

Keys and values of a batch of prompts and of all that comes after them, with room to grow.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicLayer

from lm_eval_illusion.inference.batching import batches

# Of each layer a prompt's keys and values, [heads, L, width] each.
LayerKV = list[tuple[torch.Tensor, torch.Tensor]]

# For how many more updates of the same size room is made at once where it is used up.
UPDATES_OF_ROOM = 16


class PrefillDone(Exception):  # noqa: N818 (not an error: nothing is left to do)
    """The last layer's keys and values are there; what the layer does with them is not wanted."""


class PreallocatedLayer(DynamicLayer):  # type: ignore[misc]
    """One layer's keys and values, [B, heads, K, width]. An update writes into free room; only where that is used up, all is copied."""

    def fill(self, keys: torch.Tensor, values: torch.Tensor, length: int | None = None) -> None:
        """Hold these; from `length` on, where it is given, they are room."""
        self.lazy_initialization(keys, values)
        self.rooms = (keys, values)
        self._hold(keys.shape[2] if length is None else length)

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add states [B, heads, n, width]; all keys and all values."""
        if not self.is_initialized:
            self.fill(key_states, value_states)
        else:
            length, longer = self.keys.shape[2], self.keys.shape[2] + key_states.shape[2]
            if longer > self.rooms[0].shape[2]:
                room = length + UPDATES_OF_ROOM * key_states.shape[2]
                self.rooms = (_with_room(self.keys, room), _with_room(self.values, room))
            for buffer, states in zip(self.rooms, (key_states, value_states), strict=True):
                buffer[:, :, length:longer] = states
            self._hold(longer)
        return self.keys, self.values

    def take_keys(self, places: torch.Tensor, start: int) -> None:
        """Of the keys from `start` on, keep those at `places` [B, n], in that order."""
        for buffer, states in zip(self.rooms, (self.keys, self.values), strict=True):
            buffer[:, :, start : start + places.shape[1]] = _taken(states, places)
        self._hold(start + places.shape[1])

    def take_rows(self, rows: torch.Tensor, start: int) -> None:
        """Of the prompts from `start` on, keep `rows` [n], in that order."""
        length = self.keys.shape[2]
        for buffer, states in zip(self.rooms, (self.keys, self.values), strict=True):
            buffer[start : start + len(rows), :, :length] = states[rows]
        self.rooms = (self.rooms[0][: start + len(rows)], self.rooms[1][: start + len(rows)])
        self._hold(length)

    def _hold(self, length: int) -> None:
        self.keys, self.values = (buffer[:, :, :length] for buffer in self.rooms)


class PrefixKVCache(Cache):  # type: ignore[misc]
    """What `model(past_key_values=...)` attends to and adds to."""

    def __init__(self, *, last_layer: int = -1) -> None:
        """`last_layer`: the number of the layer after whose keys to stop with PrefillDone; -1 for going on to the logits."""
        # Without the model's config: layers of sliding windows would drop keys, because they count the tokens of all branches.
        super().__init__(layer_class_to_replicate=PreallocatedLayer)
        self.last_layer = last_layer

    @classmethod
    def of(cls, prompts: Sequence[LayerKV], room: int = 0) -> PrefixKVCache:
        """The prompts side by side, shorter ones filled up with zeros, and room for so many tokens behind each."""
        side_by_side = cls()
        longest = max(of_prompt[0][0].shape[1] for of_prompt in prompts)
        for of_layer in zip(*prompts, strict=True):
            keys, values = (_side_by_side(part, longest, room) for part in zip(*of_layer, strict=True))
            layer = PreallocatedLayer()
            layer.fill(keys, values, longest)
            side_by_side.layers.append(layer)
        return side_by_side

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *args: Any, **given: Any) -> Any:
        """As transformers' caches.

        Raises:
            PrefillDone: this was `last_layer`.
        """
        states = super().update(key_states, value_states, layer_idx, *args, **given)
        if layer_idx == self.last_layer:
            raise PrefillDone
        return states

    def states(self, row: int, length: int) -> LayerKV:
        """The first `length` keys and values of a prompt."""
        return [(layer.keys[row, :, :length], layer.values[row, :, :length]) for layer in self.layers]

    def select_rows(self, rows: torch.Tensor) -> None:
        """Keep the prompts `rows`, [n] indices."""
        stay = _staying(rows[None])
        for layer in self.layers:
            layer.take_rows(rows[stay:], stay)

    def select_keys(self, places: torch.Tensor) -> None:
        """Keep the keys at `places` [B, n], in that order."""
        stay = _staying(places)
        for layer in self.layers:
            layer.take_keys(places[:, stay:], stay)


def _staying(places: torch.Tensor) -> int:
    """How many of `places` [B, n], from the first on, are the place itself in all rows: mostly the prompts' keys."""
    at_home = (places == torch.arange(places.shape[1], device=places.device)).all(dim=0)
    return int(at_home.int().cumprod(dim=0).sum())


def _with_room(states: torch.Tensor, length: int) -> torch.Tensor:
    buffer = states.new_empty((*states.shape[:2], length, states.shape[3]))
    buffer[:, :, : states.shape[2]] = states
    return buffer


def _side_by_side(prompts: Sequence[torch.Tensor], longest: int, room: int) -> torch.Tensor:
    heads, _, width = prompts[0].shape
    together = prompts[0].new_empty((len(prompts), heads, longest + room, width))
    for row, one in zip(together, prompts, strict=True):
        row[:, : one.shape[1]] = one
        row[:, one.shape[1] : longest] = 0
    return together


def _taken(states: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """`states`: [B, heads, K, width] -> [B, heads, n, width]."""
    index = places[:, None, :, None].expand(-1, states.shape[1], -1, states.shape[3])
    return states.gather(2, index)


Prompt = tuple[int, ...]


class PrefixCache:
    """Prompts that were read for scoring, until generation takes them: lm_eval asks for all scores before it asks for any text."""

    def __init__(self, most_tokens: int) -> None:
        """`most_tokens`: of all prompts together; what comes when it is full is not kept."""
        self.room = most_tokens
        self.kept: dict[Prompt, LayerKV] = {}

    def keep(self, prompt: Prompt, states: LayerKV) -> None:
        """Keep it if there is room."""
        if prompt not in self.kept and len(prompt) <= self.room:
            self.room -= len(prompt)
            self.kept[prompt] = states

    def take(self, prompt: Prompt) -> LayerKV | None:
        """Give it away, or None where it isn't kept."""
        states = self.kept.pop(prompt, None)
        if states is not None:
            self.room += len(prompt)
        return states

    def clear(self) -> None:
        """Give up all that nobody asked for again."""
        self.room += sum(map(len, self.kept))
        self.kept.clear()


def prefill(
    model: Any, prompts: Sequence[Prompt], device: torch.device, most_tokens: int, memory: PrefixCache
) -> list[LayerKV]:
    """LayerKV of each prompt's tokens but the last, whose logits are wanted; read in batches of `most_tokens`, but for those in `memory`.

    A prompt has one token or more. The caller sets inference mode and autocast.
    """
    states: dict[Prompt, LayerKV] = {}
    for prompt in dict.fromkeys(prompts):
        known = memory.take(prompt)
        if known is not None:
            states[prompt] = known
    unread = sorted({prompt for prompt in prompts if prompt not in states}, key=lambda prompt: (-len(prompt), prompt))
    # The longest first: it is the width of its batch.
    for batch in batches(unread, lambda batch: len(batch) * len(batch[0]) <= most_tokens):
        keys = _read(model, [prompt[:-1] for prompt in batch], device)
        states |= {prompt: keys.states(row, len(prompt) - 1) for row, prompt in enumerate(batch)}
    return [states[prompt] for prompt in prompts]


def _read(model: Any, rows: Sequence[Sequence[int]], device: torch.device) -> PrefixKVCache:
    """Padded on the right, where a causal model does not see the padding, and without a mask, which attention kernels do fastest."""
    keys = PrefixKVCache(last_layer=model.config.get_text_config().num_hidden_layers - 1)
    # A prompt of one token leaves nothing to read; a token of padding gives its states their shape.
    ids = padded([row or [0] for row in rows], device)
    with suppress(PrefillDone):
        model(input_ids=ids, past_key_values=keys, use_cache=True, logits_to_keep=1)
    return keys


def padded(rows: Sequence[Sequence[int]], device: torch.device, filling: int = 0) -> torch.Tensor:
    """[len(rows), longest] ids, padded on the right."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[filling] * (longest - len(row))] for row in rows], dtype=torch.long, device=device)
