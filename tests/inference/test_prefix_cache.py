"""The KV cache in preallocated buffers against plain tensors that are copied at every change."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_eval_illusion.inference.prefix_cache import PrefixCache, PrefixKVCache

HEADS, HEAD_DIM, LAYERS = 2, 3, 2


def random_states(length):
    """Keys and values of one prompt per layer, [heads, length, head_dim] each."""
    return [(torch.randn(HEADS, length, HEAD_DIM), torch.randn(HEADS, length, HEAD_DIM)) for _ in range(LAYERS)]


def cache_of(prompts, free_slots=0):
    """A cache with the states of these prompts, one row each."""
    cache = PrefixKVCache(len(prompts), max(states[0][0].shape[1] for states in prompts), free_slots)
    for row, states in enumerate(prompts):
        for layer_idx, (keys, values) in enumerate(states):
            cache.write(layer_idx, row, keys, values)
    return cache


def stacked(prompts):
    """Per layer a pair of [B, heads, longest, head_dim], padded by torch.nn.functional.pad."""
    longest = max(states[0][0].shape[1] for states in prompts)

    def padded(states):
        return torch.nn.functional.pad(states, (0, 0, 0, longest - states.shape[1]))

    return [[torch.stack([padded(states[layer][kind]) for states in prompts]) for kind in (0, 1)] for layer in range(LAYERS)]


@given(st.data())
def test_any_sequence_of_updates_and_selections(data):
    torch.manual_seed(data.draw(st.integers(0, 999)))
    prompts = [random_states(length) for length in data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))]
    cache = cache_of(prompts, free_slots=data.draw(st.integers(0, 12)))
    plain = stacked(prompts)
    for change in data.draw(st.lists(st.sampled_from(["update", "keys", "rows"]), max_size=12)):
        rows, length = plain[0][0].shape[0], plain[0][0].shape[2]
        if change == "update":
            added = data.draw(st.integers(1, 4))
            for layer in range(LAYERS):
                new = [torch.randn(rows, HEADS, added, HEAD_DIM) for _ in range(2)]
                plain[layer] = [torch.cat([old, states], dim=2) for old, states in zip(plain[layer], new, strict=True)]
                returned = cache.update(*new, layer)
                assert all(torch.equal(states, expected) for states, expected in zip(returned, plain[layer], strict=True))
        elif change == "keys":
            # Ascending indices, equally many per row, different ones in each row.
            count = data.draw(st.integers(1, length))
            indices = torch.stack([torch.randperm(length)[:count].sort()[0] for _ in range(rows)])
            if data.draw(st.booleans()):  # the first ones are unchanged
                indices[:, : count // 2 + 1] = torch.arange(count // 2 + 1)
            cache.select_keys(indices)
            index = indices[:, None, :, None].expand(-1, HEADS, -1, HEAD_DIM)
            plain = [[states.gather(2, index) for states in layer] for layer in plain]
        else:
            selected = torch.tensor(sorted(data.draw(st.sets(st.integers(0, rows - 1), min_size=1))))
            cache.select_rows(selected)
            plain = [[states[selected] for states in layer] for layer in plain]
        for layer, (keys, values) in zip(cache.layers, plain, strict=True):
            assert torch.equal(layer.keys, keys)
            assert torch.equal(layer.values, values)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(["add", "rows", "keys"]), st.integers(1, 5)), max_size=12), st.integers(0, 99))
def test_selections_in_any_order_with_repeats(steps, seed):
    generator = torch.Generator().manual_seed(seed)
    plain = [torch.randn(4, 2, 6, 3, generator=generator) for _ in range(2)]
    cache = cache_of([[(plain[0][row], plain[1][row])] for row in range(4)])
    for step, number in steps:
        if step == "add":
            added = [torch.randn(len(plain[0]), 2, number, 3, generator=generator) for _ in range(2)]
            plain = [torch.cat([states, new], dim=2) for states, new in zip(plain, added, strict=True)]
            cache.update(*added, 0)
        elif step == "rows":
            rows = torch.randperm(len(plain[0]), generator=generator)[:number]
            plain = [states[rows] for states in plain]
            cache.select_rows(rows)
        else:
            indices = torch.randint(plain[0].shape[2], (len(plain[0]), number), generator=generator)
            plain = [torch.stack([row[:, indices[n]] for n, row in enumerate(states)]) for states in plain]
            cache.select_keys(indices)
        assert torch.equal(cache.layers[0].keys, plain[0])
        assert torch.equal(cache.layers[0].values, plain[1])
        assert cache.get_seq_length() == plain[0].shape[2]


def test_stored_states_do_not_change_with_the_batch():
    prompts = [random_states(3), random_states(5)]
    cache = cache_of(prompts, free_slots=2)
    prefix_cache = PrefixCache(99)
    for row, states in enumerate(prompts):
        prefix_cache.keep((row,), cache.states(row, states[0][0].shape[1]))
    cache.update(torch.ones(2, HEADS, 1, HEAD_DIM), torch.ones(2, HEADS, 1, HEAD_DIM), 0)
    cache.select_keys(torch.tensor([[1, 2], [0, 4]]))
    for row, states in enumerate(prompts):
        for (keys, values), (old_keys, old_values) in zip(prefix_cache.take((row,)), states, strict=True):
            assert torch.equal(keys, old_keys)
            assert torch.equal(values, old_values)


def test_with_free_slots_nothing_is_copied():
    cache = cache_of([random_states(3)], free_slots=4)
    addresses = [buffer.data_ptr() for buffer in cache.layers[0].buffers]
    for _ in range(4):
        cache.update(torch.ones(1, HEADS, 1, HEAD_DIM), torch.ones(1, HEADS, 1, HEAD_DIM), 0)
    assert [cache.layers[0].keys.data_ptr(), cache.layers[0].values.data_ptr()] == addresses
    cache.update(torch.ones(1, HEADS, 1, HEAD_DIM), torch.ones(1, HEADS, 1, HEAD_DIM), 0)
    assert cache.layers[0].keys.data_ptr() != addresses[0]
    assert cache.layers[0].keys.shape == (1, HEADS, 8, HEAD_DIM)


def test_clearing_frees_tokens():
    prefix_cache = PrefixCache(9)
    prefix_cache.keep((1, 2, 3), [])
    prefix_cache.keep((1, 2, 3), [])
    assert prefix_cache.free_tokens == 6
    prefix_cache.clear()
    assert (prefix_cache.free_tokens, prefix_cache.take((1, 2, 3))) == (9, None)
