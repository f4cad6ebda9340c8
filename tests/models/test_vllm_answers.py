"""What vLLM is asked for answers, and which answers it ended too early."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from lm_eval.api.instance import Instance

from lm_eval_illusion.first_line import LINE_ENDS
from lm_eval_illusion.inference.generation_config import read_decoding
from lm_eval_illusion.inference.sampling import seed_of
from lm_eval_illusion.models import vllm_answers
from lm_eval_illusion.models.vllm_answers import (
    answer_settings,
    asked_again,
    seeded_requests,
    stops_early,
    vllm_settings,
)
from lm_eval_illusion.views import generation_kwargs


def test_all_samples_of_a_prompt_are_one_request_whose_seeds_vllm_makes():
    decoding = read_decoding(generation_kwargs("sample"), 10, 64, end_text="</s>", is_line=True)
    settings = answer_settings(decoding, "x")
    assert settings["n"] == 10
    assert settings["seed"] == seed_of("x", 0)
    assert settings["stop"] == ["</s>", *LINE_ENDS]
    assert (settings["temperature"], settings["top_p"], settings["max_tokens"]) == (0.7, 1.0, 64)
    # The seed of sample 4, as vLLM makes it.
    again = asked_again(settings, decoding, 4, 2, is_last=False)
    assert (again["n"], again["seed"], again["stop"], again["min_tokens"]) == (1, seed_of("x", 0) + 4, settings["stop"], 2)
    last = asked_again(settings, decoding, 4, 2, is_last=True)
    assert (last["n"], last["seed"], last["stop"]) == (1, seed_of("x", 0) + 4, ["</s>"])
    assert "min_tokens" not in last


def test_no_seed_of_a_sample_is_beyond_those_of_torch(monkeypatch):
    monkeypatch.setattr(vllm_answers, "seed_of", lambda prompt, sample: 2**63 - 1)
    decoding = read_decoding(generation_kwargs("sample"), 10, 64)
    assert answer_settings(decoding, "x")["seed"] + 9 < 2**63


def test_a_greedy_answer_has_no_seed():
    decoding = read_decoding(generation_kwargs("gen"), 1, 64, is_line=True)
    settings = answer_settings(decoding, "x")
    assert (settings["n"], settings["seed"], settings["temperature"]) == (1, None, 0.0)
    assert asked_again(settings, decoding, 0, 1, is_last=False)["seed"] is None


@pytest.mark.parametrize(
    ("reason", "complete", "early"),
    [
        ("\n", True, False),
        ("\n", False, True),
        ("\u2028", False, True),
        ("</s>", False, False),
        (None, False, False),
        (2, False, False),
    ],
)
def test_an_output_that_ended_at_a_line_end_before_its_text_is_early(reason, complete, early):
    condition = SimpleNamespace(should_stop=lambda ids: complete)
    assert stops_early(SimpleNamespace(stop_reason=reason, token_ids=(1, 2)), condition) is early


def test_the_repeats_of_another_projects_task_have_different_seeds():
    request = Instance("generate_until", {}, ("x", {"temperature": 0.7, "do_sample": True, "top_k": 0}), 0)
    other = Instance("generate_until", {}, ("x", {"temperature": 0.0}), 0)
    arguments = [each.args[1] for each in seeded_requests([request, request, other])]
    assert [each.get("seed") for each in arguments] == [seed_of("x", 0), seed_of("x", 1), None]
    assert arguments[0]["top_k"] == -1
    assert vllm_settings({"temperature": 0.7, "seed": 7}, 3)["seed"] == 7


@pytest.mark.parametrize(
    ("settings", "temperature", "seed"),
    [
        ({}, 0.0, None),
        ({"do_sample": False}, 0.0, None),
        ({"temperature": 0}, 0, None),
        ({"temperature": 0.7}, 0.7, 3),
        # vLLM's own default is 1.
        ({"do_sample": True}, None, 3),
        ({"do_sample": True, "temperature": 0.7}, 0.7, 3),
    ],
)
def test_a_request_samples_only_where_it_says_so(settings, temperature, seed):
    found = vllm_settings({"until": ["."], **settings}, 3)
    assert (found.get("temperature"), found.get("seed")) == (temperature, seed)
    # The same requests sample with pruned-hf.
    assert read_decoding(settings, 1, 64).do_sample == (seed is not None)
