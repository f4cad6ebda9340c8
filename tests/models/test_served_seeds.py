"""Seeds of samples, and servers that do not use them."""

from __future__ import annotations

import pytest

from lm_eval_illusion.models.served_seeds import MOST_SEEDS, problem_of_seeds, seed_of_sample, seed_trials
from lm_eval_illusion.models.served_server import RunningServer


def test_a_seed_belongs_to_prompt_and_number():
    seeds = [seed_of_sample(prompt, sample) for prompt in ("a", "b") for sample in range(10)]
    assert len(set(seeds)) == 20
    assert all(0 <= seed < MOST_SEEDS for seed in seeds)
    assert seed_of_sample("a", 3) == seeds[3]


def test_the_trial_has_two_equal_seeds_and_two_greedy_answers():
    trials = seed_trials(RunningServer("u", "vllm"))
    assert [trial["temperature"] for trial in trials] == [1, 1, 1, 1, 0, 0]
    assert trials[0] == trials[3] != trials[1]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ("abcagg", None),
        ("aaaagg", "the same text for different seeds"),
        # A cache that knows prompts alone: the greedy answer is the first sample.
        ("aaaaaa", "the same text for different seeds"),
        ("abcdgg", "different texts for the same seed"),
        ("abcdef", "different texts at temperature 0"),
        # A model that answers with an end token alone.
        (["", "", "", "", "", ""], None),
    ],
)
def test_what_the_texts_say(texts, said):
    found = problem_of_seeds(list(texts))
    assert (found is None) if said is None else said in (found or "")
