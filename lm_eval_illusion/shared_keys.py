"""Keys and values of a batch of prompts and of all that comes after them, with room to grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicLayer

# Of each layer a prompt's keys and values, [heads, L, width] each.
States = list[tuple[torch.Tensor, torch.Tensor]]

# For how many more updates of the same size room is made at once where it is used up.
UPDATES_OF_ROOM = 16


class AllRead(Exception):  # noqa: N818 (not an error: nothing is left to do)
    """The last layer's keys and values are there; what the layer does with them is not wanted."""


class RoomyLayer(DynamicLayer):  # type: ignore[misc]
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


class SharedKeys(Cache):  # type: ignore[misc]
    """What `model(past_key_values=...)` attends to and adds to."""

    def __init__(self, *, last_layer: int = -1) -> None:
        """`last_layer`: the number of the layer after whose keys to stop with AllRead; -1 for going on to the logits."""
        # Without the model's config: layers of sliding windows would drop keys, because they count the tokens of all branches.
        super().__init__(layer_class_to_replicate=RoomyLayer)
        self.last_layer = last_layer

    @classmethod
    def of(cls, prompts: Sequence[States], room: int = 0) -> SharedKeys:
        """The prompts side by side, shorter ones filled up with zeros, and room for so many tokens behind each."""
        side_by_side = cls()
        longest = max(of_prompt[0][0].shape[1] for of_prompt in prompts)
        for of_layer in zip(*prompts, strict=True):
            keys, values = (_side_by_side(part, longest, room) for part in zip(*of_layer, strict=True))
            layer = RoomyLayer()
            layer.fill(keys, values, longest)
            side_by_side.layers.append(layer)
        return side_by_side

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
