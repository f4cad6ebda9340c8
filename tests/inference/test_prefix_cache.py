"""The KV cache in preallocated buffers against plain tensors; prefill in batches against a forward pass of each prompt alone."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import DynamicCache

from lm_eval_illusion.inference.prefix_cache import PrefixCache, PrefixKVCache, prefill
from tests.inference.test_prefix_scoring import sequence
from tests.tiny_models import ARCHITECTURES, make_tiny_model

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


CPU = torch.device("cpu")


def prefilled(model, prompts, max_tokens=100, prefix_cache=None):
    """The states of each prompt, as views of the batch's cache."""
    with torch.inference_mode():
        cache = prefill(model, prompts, CPU, max_tokens, prefix_cache or PrefixCache(0))
    return [cache.states(row, len(prompt) - 1) for row, prompt in enumerate(prompts)]


def prefilled_alone(model, prompt):
    """The states of one prompt in transformers' own cache."""
    cache = DynamicCache()
    with torch.inference_mode():
        model(input_ids=torch.tensor([prompt[:-1]]), past_key_values=cache, use_cache=True)
    return [(layer.keys[0], layer.values[0]) for layer in cache.layers]


def record_shapes(model):
    """A list that gets the shape of the input ids of each forward pass."""
    shapes = []
    model.model.register_forward_pre_hook(
        lambda _, __, kwargs: shapes.append(tuple(kwargs["input_ids"].shape)), with_kwargs=True
    )
    return shapes


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_the_states_of_each_prompt_are_those_of_the_prompt_alone(arch):
    model = make_tiny_model(arch)
    prompts = [sequence("p", length) for length in (2, 30, 9, 2, 60)]
    for prompt, states in zip(prompts, prefilled(model, prompts, 64), strict=True):
        expected = prefilled_alone(model, prompt)
        assert len(states) == len(expected)
        for layer, expected_layer in zip(states, expected, strict=True):
            torch.testing.assert_close(layer, expected_layer, atol=1e-5, rtol=1e-5)


def test_a_shorter_prompt_is_padded_with_zeros_and_followed_by_free_slots():
    prompts = [sequence("p", 9), sequence("q", 4)]
    with torch.inference_mode():
        cache = prefill(make_tiny_model("llama"), prompts, CPU, 100, PrefixCache(0), free_slots=7)
    for layer in cache.layers:
        for states, buffer in zip((layer.keys, layer.values), layer.buffers, strict=True):
            assert (states.shape[2], buffer.shape[2]) == (8, 15)
            assert not states[1, :, 3:].any()
            assert states[1, :, :3].any()


def test_a_prompt_of_one_token_has_states_of_length_0():
    (states,) = prefilled(make_tiny_model("llama"), [(5,)])
    assert {part.shape[1] for layer in states for part in layer} == {0}


def test_the_last_layer_computes_only_its_keys_and_values():
    model = make_tiny_model("llama")
    calls = []
    for layer in model.model.layers:
        layer.mlp.register_forward_hook(lambda *_: calls.append("mlp"))
    model.lm_head.register_forward_hook(lambda *_: calls.append("head"))
    prefilled(model, [sequence("p", 20)])
    assert calls == ["mlp"] * (len(model.model.layers) - 1)


@settings(max_examples=20)
@given(st.lists(st.integers(1, 70), min_size=1, max_size=9), st.integers(1, 200))
def test_batches_hold_at_most_max_tokens(lengths, max_tokens):
    model = make_tiny_model("llama")
    shapes = record_shapes(model)
    prompts = [sequence(number, length) for number, length in enumerate(lengths)]
    prefilled(model, prompts, max_tokens)
    assert all(rows == 1 or rows * length <= max_tokens for rows, length in shapes)
    assert sum(rows for rows, _ in shapes) == len(set(prompts))


def test_stored_prompts_are_not_computed_again_and_are_taken_once():
    model = make_tiny_model("llama")
    shapes = record_shapes(model)
    first, second, third = (sequence(name, 10) for name in "abc")
    prefix_cache = PrefixCache(25)
    for prompt, states in zip((first, second, third), prefilled(model, [first, second, third]), strict=True):
        prefix_cache.keep(prompt, states)
    assert set(prefix_cache.states) == {first, second}  # 25 tokens are enough for two
    shapes.clear()
    prefilled(model, [third, second, first], prefix_cache=prefix_cache)
    assert shapes == [(1, 9)]
    prefilled(model, [first], prefix_cache=prefix_cache)
    assert len(shapes) == 2
    assert prefix_cache.free_tokens == 25


def test_equal_prompts_are_computed_once_and_stored_prompts_fill_all_their_rows():
    model = make_tiny_model("llama")
    shapes = record_shapes(model)
    first, second = sequence("a", 10), sequence("b", 7)
    prefix_cache = PrefixCache(10)
    prefix_cache.keep(first, prefilled(model, [first])[0])
    shapes.clear()
    states = prefilled(model, [second, first, second, first], prefix_cache=prefix_cache)
    assert shapes == [(1, 6)]
    for row, prompt in enumerate([second, first, second, first]):
        for layer, expected_layer in zip(states[row], prefilled_alone(model, prompt), strict=True):
            torch.testing.assert_close(layer, expected_layer, atol=1e-5, rtol=1e-5)
