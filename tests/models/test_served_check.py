"""The check of a server's scores: it passes a right server whatever its model is, and names each fault that real servers have."""

from __future__ import annotations

import pytest

from lm_eval_illusion.models.served_check import ScoringServer, problem_of_scores
from lm_eval_illusion.models.served_scores import NextToken, read_next_logprobs, read_scores
from tests.models.served_stand_in import StandIn, tokenizer


def problem(fault: str) -> str | None:
    server = StandIn(fault=fault)

    def score(ids):
        server.requests.append({})
        output = {"choices": [{"logprobs": server.logprobs({"prompt": ids, "echo": True, "logprobs": 1})}]}
        return read_scores(output, len(ids))

    def next_token(ids):
        output = {"choices": [{"logprobs": server.logprobs({"prompt": ids, "logprobs": 5})}]}
        return NextToken(read_next_logprobs(output), server.greedy_token(ids))

    return problem_of_scores(
        ScoringServer(score, next_token, lambda text: tokenizer()(text).input_ids, tokenizer().get_vocab())
    )


def test_a_right_server_passes_with_a_model_of_random_numbers():
    assert problem("") is None


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("no echo", "returns no log-probabilities of the prompt, because it does not know the setting echo"),
        ("no log-probabilities", "returns no log-probabilities of the prompt"),
        ("adds a token", "log-probabilities for a prompt of"),
        ("shifted", "its scores are those of other tokens"),
        ("without the first", "returns the tokens"),
        ("positive", "returns 0.5 as a log-probability"),
        ("nan", "returns None as a log-probability"),
        ("not repeatable", "other log-probabilities"),
        ("sees the future", "when another token follows"),
        ("other tokens", "returns the tokens"),
        ("nan later", "returns nan as a log-probability"),
        ("texts for numbers", "as a log-probability"),
        ("last alone", "other log-probabilities when"),
        ("another model", "are not those of the model that answers"),
        ("whole numbers", "rounds log-probabilities"),
        ("two digits", "rounds log-probabilities"),
        ("other base", "are no natural logarithms of probabilities"),
        ("likeliest alone", "returns no log-probabilities of the prompt, but top_logprobs alone"),
    ],
)
def test_a_fault_is_named(fault, said):
    assert said in (problem(fault) or "")


@pytest.mark.parametrize(
    "variation", ["numbers", "pieces", "bytes", "no texts", "no likeliest", "no generated", "zero at the first", "four digits"]
)
def test_another_form_of_right_scores_passes(variation):
    """Names of tokens, parts that a server may leave out, and digits enough to order options."""
    assert problem(variation) is None
