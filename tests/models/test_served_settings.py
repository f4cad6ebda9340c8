"""Decoding settings as each server takes them. The names and the values that mean "off" are those of the servers' documentation."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.models.served_server import RunningServer
from lm_eval_illusion.models.served_settings import letter_constraint, request_settings
from lm_eval_illusion.views import generation_kwargs

SAMPLED, GREEDY = generation_kwargs("sample"), generation_kwargs("gen")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("llama.cpp", {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "repeat_penalty": 1.0}),
        ("llama-cpp-python", {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "repeat_penalty": 1.0}),
        ("vllm", {"top_k": -1, "top_p": 1.0, "min_p": 0.0, "repetition_penalty": 1.0}),
        # SGLang refuses 0.
        ("sglang", {"top_k": -1, "top_p": 1.0, "min_p": 0.0, "repetition_penalty": 1.0}),
        # OpenAI refuses every name that it does not know.
        (None, {"top_p": 1.0}),
    ],
)
def test_a_whole_distribution_is_sampled_everywhere(kind, expected):
    common = {"until": [], "max_gen_toks": 64, "temperature": 0.7}
    assert request_settings(SAMPLED, RunningServer("", kind)) == common | expected


def test_transformers_gets_a_generation_config_because_its_default_may_be_greedy():
    settings = request_settings(SAMPLED, RunningServer("", "transformers"))
    assert set(settings) == {"until", "max_gen_toks", "temperature", "generation_config"}
    expected = {"do_sample": True, "temperature": 0.7, "top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0}
    assert json.loads(settings["generation_config"]) == expected
    greedy = json.loads(request_settings(GREEDY, RunningServer("", "transformers"))["generation_config"])
    assert greedy == {"do_sample": False, "repetition_penalty": 1.0}


@pytest.mark.parametrize("kind", ["llama.cpp", "vllm", "sglang", "transformers", None])
@pytest.mark.parametrize("view", ["gen", "beam", "oneshot", "mc_letters_generated"])
def test_greedy_views_are_greedy_and_without_names_of_transformers(kind, view):
    settings = request_settings(generation_kwargs(view), RunningServer("", kind))
    assert settings["temperature"] == 0
    assert not {"num_beams", "do_sample", "early_stopping", "length_penalty", "top_k"} & set(settings)


def test_settings_of_other_tasks_are_kept():
    settings = request_settings(
        {"do_sample": True, "temperature": 0.5, "top_k": 20, "repetition_penalty": 1.2}, RunningServer("", None)
    )
    assert settings == {"temperature": 0.5, "top_k": 20, "top_p": 1.0, "repetition_penalty": 1.2}
    of_llama = request_settings(
        {"do_sample": True, "temperature": 0.5, "repetition_penalty": 1.2}, RunningServer("", "llama.cpp")
    )
    assert of_llama["repeat_penalty"] == 1.2
    # lm_eval's rule: without sampling, the temperature is 0.
    assert request_settings({"do_sample": False, "temperature": 0.5}, RunningServer("", "vllm"))["temperature"] == 0


def test_letters_are_constrained_where_the_server_can():
    assert letter_constraint(RunningServer("", "llama.cpp")) == {"grammar": 'root ::= " "? [A-D]'}
    assert letter_constraint(RunningServer("", "llama-cpp-python")) == letter_constraint(RunningServer("", "llama.cpp"))
    assert letter_constraint(RunningServer("", "vllm")) == {"structured_outputs": {"regex": " ?[A-D]"}}
    assert letter_constraint(RunningServer("", "transformers")) == letter_constraint(RunningServer("", None)) == {}
