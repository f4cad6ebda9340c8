"""Prompts that are read in batches and kept: what they hold against a reading of each alone."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import DynamicCache

from lm_eval_illusion.inference.prefix_cache import PrefixCache, PrefixKVCache, prefill
from tests.inference.test_prefix_scoring import sequence
from tests.tiny_models import ARCHITECTURES, make_tiny_model

CPU = torch.device("cpu")


def read(model, prompts, most_tokens=100, memory=None):
    with torch.inference_mode():
        return prefill(model, prompts, CPU, most_tokens, memory or PrefixCache(0))


def alone(model, prompt):
    """By transformers' own cache, with nothing beside it."""
    cache = DynamicCache()
    with torch.inference_mode():
        model(input_ids=torch.tensor([prompt[:-1]]), past_key_values=cache, use_cache=True)
    return [(layer.keys[0], layer.values[0]) for layer in cache.layers]


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_the_states_of_each_prompt_are_those_of_a_reading_alone(arch):
    model = make_tiny_model(arch)
    prompts = [sequence("p", length) for length in (2, 30, 9, 2, 60)]
    for prompt, states in zip(prompts, read(model, prompts, 64), strict=True):
        expected = alone(model, prompt)
        assert len(states) == len(expected)
        for mine, theirs in zip(states, expected, strict=True):
            torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-5)


def test_a_prompt_of_one_token_has_states_of_no_length():
    (states,) = read(make_tiny_model("llama"), [(5,)])
    assert {part.shape[1] for layer in states for part in layer} == {0}


def test_the_last_layer_goes_no_further_than_its_keys():
    model = make_tiny_model("llama")
    calls = []
    for layer in model.model.layers:
        layer.mlp.register_forward_hook(lambda *_: calls.append("mlp"))
    model.lm_head.register_forward_hook(lambda *_: calls.append("head"))
    read(model, [sequence("p", 20)])
    assert calls == ["mlp"] * (len(model.model.layers) - 1)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 70), min_size=1, max_size=9), st.integers(1, 200))
def test_batches_hold_no_more_than_they_may(lengths, most_tokens):
    model = make_tiny_model("llama")
    shapes = []
    model.model.register_forward_pre_hook(lambda _, __, given: shapes.append(given["input_ids"].shape), with_kwargs=True)
    prompts = [sequence(number, length) for number, length in enumerate(lengths)]
    read(model, prompts, most_tokens)
    assert all(rows == 1 or rows * length <= most_tokens for rows, length in shapes)
    assert sum(rows for rows, _ in shapes) == len(set(prompts))


def test_what_was_kept_is_not_read_again_and_given_once():
    model = make_tiny_model("llama")
    shapes = []
    model.model.register_forward_pre_hook(lambda _, __, given: shapes.append(given["input_ids"].shape), with_kwargs=True)
    first, second, third = (sequence(name, 10) for name in "abc")
    memory = PrefixCache(25)
    for prompt, states in zip((first, second, third), read(model, [first, second, third]), strict=True):
        memory.keep(prompt, states)
    assert set(memory.kept) == {first, second}  # 25 tokens are room for two
    shapes.clear()
    read(model, [third, second, first], memory=memory)
    assert [tuple(shape) for shape in shapes] == [(1, 9)]
    read(model, [first], memory=memory)
    assert len(shapes) == 2
    assert memory.room == 25


def test_clearing_makes_room():
    memory = PrefixCache(9)
    memory.keep((1, 2, 3), [])
    memory.keep((1, 2, 3), [])
    assert memory.room == 6
    memory.clear()
    assert (memory.room, memory.take((1, 2, 3))) == (9, None)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["add", "rows", "keys"]), st.integers(1, 5)), max_size=12), st.integers(0, 99))
def test_keys_are_those_of_concatenation_and_choice(steps, seed):
    """Against plain tensors that are copied at every step."""
    generator = torch.Generator().manual_seed(seed)
    plain = [torch.randn(4, 2, 6, 3, generator=generator) for _ in range(2)]
    shared = PrefixKVCache.of([[(plain[0][row], plain[1][row])] for row in range(4)])
    for step, number in steps:
        if step == "add":
            added = [torch.randn(len(plain[0]), 2, number, 3, generator=generator) for _ in range(2)]
            plain = [torch.cat([held, new], dim=2) for held, new in zip(plain, added, strict=True)]
            shared.update(*added, 0)
        elif step == "rows":
            rows = torch.randperm(len(plain[0]), generator=generator)[:number]
            plain = [held[rows] for held in plain]
            shared.select_rows(rows)
        else:
            places = torch.randint(plain[0].shape[2], (len(plain[0]), number), generator=generator)
            plain = [torch.stack([row[:, places[n]] for n, row in enumerate(held)]) for held in plain]
            shared.select_keys(places)
        assert torch.equal(shared.layers[0].keys, plain[0])
        assert torch.equal(shared.layers[0].values, plain[1])
        assert shared.get_seq_length() == plain[0].shape[2]
