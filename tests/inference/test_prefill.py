"""Prefill in batches against a forward pass of each prompt alone."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import DynamicCache

from lm_eval_illusion.inference.prefix_cache import PrefixCache, prefill
from tests.inference.test_prefix_scoring import sequence
from tests.tiny_models import ARCHITECTURES, make_tiny_model

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
