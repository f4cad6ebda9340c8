"""Tokens, plain logits and differences of the trials."""

from __future__ import annotations

import math

import pytest
import torch

from lm_eval_illusion.inference.trials import (
    ROUNDING,
    differences,
    generated_logits,
    is_rounding,
    left_padded,
    scored_logits,
    trial_tokens,
)
from tests.inference.special_models import make_model
from tests.tiny_models import make_tiny_model

CPU = torch.device("cpu")


def test_tokens_are_in_the_vocabulary_and_not_special():
    model = make_model("llama", eos_token_id=200, image_token_index=300)
    model.generation_config.eos_token_id = [1, 250]
    tokens = trial_tokens(model, 5000, 0)
    assert len(tokens) == 5000
    assert set(tokens) == set(range(340 // 8, 340)) - {200, 250, 300}
    assert trial_tokens(model, 50, 0) != trial_tokens(model, 50, 1)


def test_scored_and_generated_logits_are_those_of_one_forward_pass():
    model = make_tiny_model("qwen3")
    prompts = [trial_tokens(model, length, length) for length in (30, 7)]
    answers = [trial_tokens(model, 4, number) for number in range(2)]
    with torch.inference_mode():
        expected = torch.stack(
            [
                model(torch.tensor([[*prompt, *answer[:-1]]])).logits[0, -4:]
                for prompt, answer in zip(prompts, answers, strict=True)
            ]
        )
        scored = scored_logits(
            model, [[*prompt, *answer[:-1]] for prompt, answer in zip(prompts, answers, strict=True)], 4, CPU
        )
        generated = generated_logits(model, prompts, answers, CPU)
    torch.testing.assert_close(scored, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(generated, expected, atol=1e-4, rtol=1e-4)


def test_prompts_are_padded_on_the_left():
    ids, mask = left_padded([(5, 6, 7), (8,)], CPU)
    assert (ids.tolist(), mask.tolist()) == ([[5, 6, 7], [0, 0, 8]], [[1, 1, 1], [0, 0, 1]])


def test_differences_are_shares_of_the_largest_log_probability():
    # Log-probabilities of [0, 0] are -log 2 each; those of [0, log 3] are -log 4 and log 3 - log 4. The largest of the expected ones in
    # size is log 4 = 1.386.
    apart = differences(torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, math.log(3)]]))
    assert apart.tolist() == pytest.approx([(math.log(4) - math.log(2)) / math.log(4)])
    infinite = torch.tensor([[0.0, float("-inf")]])
    assert differences(infinite, infinite).tolist() == [0.0]
    assert differences(torch.tensor([[0.0, float("nan")]]), infinite).tolist() == [float("inf")]


def test_rounding_in_float32_and_in_half_precision():
    model = make_tiny_model("llama")
    positions = torch.zeros(2, 4)
    one = positions.clone()
    one[0, 2] = 0.3
    most = positions.clone()
    most[0, :3] = 0.3
    with torch.inference_mode():
        assert is_rounding(positions + ROUNDING / 2, model, (5, 6, 7), CPU)
        assert not is_rounding(one, model, (5, 6, 7), CPU)
        # Between the limits, the noise of this model decides: about 1e-7.
        assert not is_rounding(positions + 5e-4, model, (5, 6, 7), CPU)
        model.to(torch.bfloat16)
        # An expert chosen otherwise at one position is rounding; most positions are not.
        assert is_rounding(one, model, (5, 6, 7), CPU)
        assert not is_rounding(most, model, (5, 6, 7), CPU)
