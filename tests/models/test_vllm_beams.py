"""Beam search on log-probabilities that an engine gives."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace

import pytest

from lm_eval_illusion.inference.beam_search import BeamSearch
from lm_eval_illusion.inference.generation_config import read_decoding
from lm_eval_illusion.models.vllm_beams import likeliest_first, search_beams

END, TOKENS, LENGTH = 0, 4, 4


class StopAtEnd:
    end_tokens = (END,)

    def should_stop(self, tokens):
        return tokens[-1] == END or len(tokens) == LENGTH


def logprob(sequence, token):
    """A distribution that depends on the whole sequence."""
    weights = [1 + (7 * sum(sequence) + 5 * len(sequence) + 3 * other + other * other) % 11 for other in range(TOKENS)]
    return math.log(weights[token] / sum(weights))


def next_tokens(sequences, counts):
    return [
        sorted(((logprob(sequence, token), token) for token in range(TOKENS)), reverse=True)[:count]
        for sequence, count in zip(sequences, counts, strict=True)
    ]


def all_outputs(prompt):
    """Every output with its mean log-probability, the best first, by brute force."""
    found = []
    for length in range(1, LENGTH + 1):
        for tokens in itertools.product(range(TOKENS), repeat=length):
            if END not in tokens[:-1] and (tokens[-1] == END or length == LENGTH):
                total = sum(logprob([*prompt, *tokens[:place]], token) for place, token in enumerate(tokens))
                found.append((total / length, list(tokens)))
    return [tokens for _, tokens in sorted(found, reverse=True)]


@pytest.mark.parametrize("prompt", [[1], [3, 2], [2, 2, 1]])
def test_a_wide_search_finds_the_best_outputs_of_all(prompt):
    # As wide as there are sequences, the search leaves none out: its first outputs are those of brute force.
    beams = TOKENS**LENGTH
    decoding = read_decoding({"num_beams": beams, "until": []}, beams, LENGTH)
    search = BeamSearch(decoding, StopAtEnd())
    search_beams([prompt], [search], next_tokens)
    assert search.outputs()[:5] == all_outputs(prompt)[:5]


def test_searches_in_lockstep_are_those_of_each_alone():
    prompts = [[1], [3, 2], [2, 2, 1]]
    decoding = read_decoding({"num_beams": 2, "until": []}, 2, LENGTH)
    alone, together = ([BeamSearch(decoding, StopAtEnd()) for _ in prompts] for _ in range(2))
    for prompt, search in zip(prompts, alone, strict=True):
        search_beams([prompt], [search], next_tokens)
    search_beams(prompts, together, next_tokens)
    assert [search.outputs() for search in together] == [search.outputs() for search in alone]


def test_the_sampled_token_that_vllm_lists_first_does_not_come_first_unless_it_is_likeliest():
    logprobs = {5: SimpleNamespace(logprob=-2.0), 7: SimpleNamespace(logprob=-0.5), 3: SimpleNamespace(logprob=-2.0)}
    assert likeliest_first(logprobs, 2) == [(-0.5, 7), (-2.0, 5)]
