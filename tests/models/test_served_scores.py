"""Log-probabilities as servers tell them."""

from __future__ import annotations

import math

import pytest

from lm_eval_illusion.models.served_scores import Scores, ScoresError, read_next_logprobs, read_scores, score_of


def test_a_score_is_the_sum_from_the_first_token_of_the_answer_on():
    output = {
        "choices": [
            {
                "logprobs": {
                    "token_logprobs": [None, -1.0, -2.0, -0.5, -9.0],
                    "top_logprobs": [None, {"a": -1.0}, {"a": -0.1, "b": -2.0}, {"a": -0.5}, {"a": -9.0}],
                }
            }
        ]
    }
    scores = read_scores(output, 4)  # the fifth was generated
    assert score_of(scores, 3) == (-0.5, True)
    assert score_of(scores, 2) == (-2.5, False)
    # A server may leave out a generated end token: the last token of the answer still counts.
    assert score_of(read_scores(output, 5), 3) == (-9.5, True)


def test_an_unknown_log_probability_is_no_zero():
    score, is_greedy = score_of(Scores((None, -1.0, None), (), ()), 1)
    assert math.isnan(score)
    assert not is_greedy


def test_too_few_log_probabilities_are_an_error():
    with pytest.raises(ScoresError, match="returns 2 log-probabilities for a prompt of 3 tokens"):
        read_scores({"choices": [{"logprobs": {"token_logprobs": [None, -1.0]}}]}, 3)


def test_log_probabilities_of_the_generated_token_alone_are_those_of_a_server_without_echo():
    with pytest.raises(ScoresError, match="but of the generated token, because it does not know the setting echo"):
        read_scores({"choices": [{"logprobs": {"token_logprobs": [-1.0]}}]}, 3)


def test_next_tokens_are_the_likeliest_or_the_generated_one_alone():
    told = {"tokens": ["a"], "token_logprobs": [-1.0], "top_logprobs": [{"a": -1.0, "b": None, "c": -math.inf}]}
    assert read_next_logprobs({"choices": [{"logprobs": told}]}) == {"a": -1.0}
    assert read_next_logprobs({"choices": [{"logprobs": {**told, "top_logprobs": None}}]}) == {"a": -1.0}
    assert read_next_logprobs({"choices": [{"logprobs": None}]}) == {}
