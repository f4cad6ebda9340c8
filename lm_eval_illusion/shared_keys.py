"""Keys and values of a batch of prompts and of all that comes after them, with room to grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicLayer

# Of each layer a prompt's keys and values, [heads, L, width] each.
States = list[tuple[torch.Tensor, torch.Tensor]]

# For how many more updates of the same size room is made at once.
UPDATES_OF_ROOM = 16


class AllRead(Exception):  # noqa: N818 (not an error: nothing is left to do)
    """The last layer's keys and values are there; what the layer does with them is not wanted."""


class RoomyLayer(DynamicLayer):  # type: ignore[misc]
    """One layer's keys and values, [B, heads, K, width]. An update writes into free room; only where that is used up, all is copied."""

    def fill(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Hold these, with no room."""
        self.lazy_initialization(keys, values)
        self.keys, self.values = self.rooms = (keys, values)

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
            self.keys, self.values = (buffer[:, :, :longer] for buffer in self.rooms)
        return self.keys, self.values


class SharedKeys(Cache):  # type: ignore[misc]
    """What `model(past_key_values=...)` attends to and adds to."""

    def __init__(self, *, last_layer: int = -1) -> None:
        """`last_layer`: the number of the layer after whose keys to stop with AllRead; -1 for going on to the logits."""
        # Without the model's config: layers of sliding windows would drop keys, because they count the tokens of all branches.
        super().__init__(layer_class_to_replicate=RoomyLayer)
        self.last_layer = last_layer

    @classmethod
    def of(cls, prompts: Sequence[States]) -> SharedKeys:
        """The prompts side by side, shorter ones filled up with zeros."""
        keys = cls()
        for of_layer in zip(*prompts, strict=True):
            layer = RoomyLayer()
            layer.fill(*(_side_by_side(part) for part in zip(*of_layer, strict=True)))
            keys.layers.append(layer)
        return keys

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *args: Any, **given: Any) -> Any:
        """As transformers' caches.

        Raises:
            AllRead: this was `last_layer`.
        """
        states = super().update(key_states, value_states, layer_idx, *args, **given)
        if layer_idx == self.last_layer:
            raise AllRead
        return states

    def states(self, row: int, length: int) -> States:
        """The first `length` keys and values of a prompt."""
        return [(layer.keys[row, :, :length], layer.values[row, :, :length]) for layer in self.layers]

    def select_rows(self, rows: torch.Tensor) -> None:
        """Keep the prompts `rows`, [n] indices."""
        for layer in self.layers:
            layer.fill(layer.keys[rows], layer.values[rows])

    def select_keys(self, places: torch.Tensor) -> None:
        """Keep the keys at `places` [B, n], in that order."""
        for layer in self.layers:
            layer.fill(_taken(layer.keys, places), _taken(layer.values, places))


def _with_room(states: torch.Tensor, length: int) -> torch.Tensor:
    buffer = states.new_empty((*states.shape[:2], length, states.shape[3]))
    buffer[:, :, : states.shape[2]] = states
    return buffer


def _side_by_side(prompts: Sequence[torch.Tensor]) -> torch.Tensor:
    heads, _, width = prompts[0].shape
    together = prompts[0].new_zeros((len(prompts), heads, max(one.shape[1] for one in prompts), width))
    for row, one in zip(together, prompts, strict=True):
        row[:, : one.shape[1]] = one
    return together


def _taken(states: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """`states`: [B, heads, K, width] -> [B, heads, n, width]."""
    index = places[:, None, :, None].expand(-1, states.shape[1], -1, states.shape[3])
    return states.gather(2, index)
