"""Seeds of samples, and servers that do not use them."""

from __future__ import annotations

import pytest

from lm_eval_illusion.models.served_seeds import (
    MOST_SEEDS,
    greedy_trials,
    problem_of_greedy,
    problem_of_seeds,
    seed_of_sample,
    seed_trials,
)
from lm_eval_illusion.models.served_server import RunningServer


def test_a_seed_belongs_to_prompt_and_number():
    seeds = [seed_of_sample(prompt, sample) for prompt in ("a", "b") for sample in range(10)]
    assert len(set(seeds)) == 20
    assert all(0 <= seed < MOST_SEEDS for seed in seeds)
    assert seed_of_sample("a", 3) == seeds[3]


def test_the_trials_have_two_equal_seeds_and_two_greedy_answers():
    server = RunningServer("u", "vllm")
    trials = seed_trials(server)
    assert [trial["temperature"] for trial in trials] == [1, 1, 1, 1]
    assert trials[0] == trials[3] != trials[1]
    greedy = greedy_trials(server)
    assert [trial["temperature"] for trial in greedy] == [0, 0]
    assert greedy[0]["seed"] != greedy[1]["seed"]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ("abca", None),
        ("aaaa", "the same text for different seeds"),
        ("abcd", "different texts for the same seed"),
        # A model that answers with an end token alone.
        (["", "", "", ""], None),
    ],
)
def test_what_the_samples_say(texts, said):
    found = problem_of_seeds(list(texts))
    assert (found is None) if said is None else said in (found or "")


def test_what_the_greedy_answers_say():
    assert problem_of_greedy(["g", "g"]) is None
    assert "different texts at temperature 0" in (problem_of_greedy(["g", "h"]) or "")
