"""Keys and values in their buffers against plain tensors that are copied at every change."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_eval_illusion.inference.prefix_cache import PrefixKVCache

HEADS, WIDTH, LAYERS = 2, 3, 2


def prompt(length):
    return [(torch.randn(HEADS, length, WIDTH), torch.randn(HEADS, length, WIDTH)) for _ in range(LAYERS)]


def side_by_side(prompts):
    """[layers] pairs of [B, heads, longest, width], by torch.nn.functional.pad."""
    longest = max(states[0][0].shape[1] for states in prompts)

    def padded(states):
        return torch.nn.functional.pad(states, (0, 0, 0, longest - states.shape[1]))

    return [[torch.stack([padded(states[layer][kind]) for states in prompts]) for kind in (0, 1)] for layer in range(LAYERS)]


@settings(deadline=None)
@given(st.data())
def test_whatever_is_added_and_taken(data):
    torch.manual_seed(data.draw(st.integers(0, 999)))
    prompts = [prompt(length) for length in data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))]
    keys = PrefixKVCache.of(prompts, room=data.draw(st.integers(0, 12)))
    plain = side_by_side(prompts)
    for change in data.draw(st.lists(st.sampled_from(["add", "keys", "rows"]), max_size=12)):
        rows, length = plain[0][0].shape[0], plain[0][0].shape[2]
        if change == "add":
            more = data.draw(st.integers(1, 4))
            for layer in range(LAYERS):
                new = [torch.randn(rows, HEADS, more, WIDTH) for _ in range(2)]
                plain[layer] = [torch.cat([old, states], dim=2) for old, states in zip(plain[layer], new, strict=True)]
                seen = keys.update(*new, layer)
                assert all(torch.equal(one, other) for one, other in zip(seen, plain[layer], strict=True))
        elif change == "keys":
            # Some of them in their order, as many of each prompt, not the same ones.
            count = data.draw(st.integers(1, length))
            places = torch.stack([torch.randperm(length)[:count].sort()[0] for _ in range(rows)])
            if data.draw(st.booleans()):  # the first ones stay
                places[:, : count // 2 + 1] = torch.arange(count // 2 + 1)
            keys.select_keys(places)
            index = places[:, None, :, None].expand(-1, HEADS, -1, WIDTH)
            plain = [[states.gather(2, index) for states in layer] for layer in plain]
        else:
            kept = torch.tensor(sorted(data.draw(st.sets(st.integers(0, rows - 1), min_size=1))))
            keys.select_rows(kept)
            plain = [[states[kept] for states in layer] for layer in plain]
        for layer, pair in zip(keys.layers, plain, strict=True):
            assert torch.equal(layer.keys, pair[0])
            assert torch.equal(layer.values, pair[1])


def test_prompts_are_copied():
    # What is kept for generation must not change when something is added behind it.
    kept = [prompt(3), prompt(5)]
    before = [[(one.clone(), other.clone()) for one, other in states] for states in kept]
    keys = PrefixKVCache.of(kept, room=2)
    keys.update(torch.ones(2, HEADS, 1, WIDTH), torch.ones(2, HEADS, 1, WIDTH), 0)
    keys.select_keys(torch.tensor([[1, 2], [0, 4]]))
    for states, old in zip(kept, before, strict=True):
        for (one, other), (first, second) in zip(states, old, strict=True):
            assert torch.equal(one, first)
            assert torch.equal(other, second)


def test_with_room_nothing_is_copied():
    keys = PrefixKVCache.of([prompt(3)], room=4)
    places = [buffer.data_ptr() for buffer in keys.layers[0].rooms]
    for _ in range(4):
        keys.update(torch.ones(1, HEADS, 1, WIDTH), torch.ones(1, HEADS, 1, WIDTH), 0)
    assert [keys.layers[0].keys.data_ptr(), keys.layers[0].values.data_ptr()] == places
    keys.update(torch.ones(1, HEADS, 1, WIDTH), torch.ones(1, HEADS, 1, WIDTH), 0)
    assert keys.layers[0].keys.data_ptr() != places[0]
    assert keys.layers[0].keys.shape == (1, HEADS, 8, WIDTH)
