"""Scores of continuations from vLLM's log-probabilities of prompts."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.models.top_tokens import RankedToken
from lm_eval_illusion.models.vllm_scoring import (
    Window,
    batches_by_context,
    is_computed,
    prompt_score,
    scoring_window,
)

TEXTS = {1: "a", 2: "b", 3: " ", 4: "c"}


def decode(ids):
    return "".join(TEXTS[token] for token in ids)


def entry(logprob, rank=1):
    return SimpleNamespace(logprob=logprob, rank=rank)


def test_the_context_is_cut_from_the_left_so_that_one_token_can_be_generated():
    assert scoring_window([1, 2, 3], [4, 5], 10) == Window((1, 2, 3, 4, 5), 3)
    assert scoring_window([1, 2, 3], [4, 5], 5) == Window((2, 3, 4, 5), 2)
    assert scoring_window([1, 2, 3], [4, 5, 6], 5) == Window((3, 4, 5, 6), 1)


def test_a_continuation_without_room_for_a_token_before_it_is_refused():
    with pytest.raises(UserError, match="has 4 tokens, of the model's window of 5 it can have 3"):
        scoring_window([1], [4, 5, 6, 7], 5)


def test_each_window_is_asked_for_once_and_those_of_a_context_are_neighbours():
    long, short, other = Window((1, 2, 3, 9), 3), Window((1, 2, 3, 8), 3), Window((5, 6), 1)
    assert list(batches_by_context([other, long, short, long], 2)) == [[short, long], [other]]
    assert list(batches_by_context([], 2)) == []


# The continuation begins at place 3. The log-probability there comes from the token at place 2, which must have been computed.
@pytest.mark.parametrize(("cached", "computed"), [(0, True), (2, True), (3, False), (4, False), (None, False)])
def test_a_continuation_that_was_read_from_the_cache_has_no_scores(cached, computed):
    assert is_computed(Window((1, 2, 3, 4, 5), 3), SimpleNamespace(num_cached_tokens=cached)) is computed


def test_only_the_places_of_the_continuation_are_read():
    unset = {99: entry(-1e30, 0)}
    logprobs = [None, unset, {1: entry(-0.5)}, {2: entry(-2.0, 3), 4: entry(-0.25)}]
    score = prompt_score(Window((4, 4, 1, 2), 2), SimpleNamespace(prompt_logprobs=logprobs), decode)
    assert score == (-2.5, False, RankedToken((4, 4), 1, 1), -0.5, -2.5, (4, 4, 1, 2))


def test_blank_tokens_count_in_the_score_but_are_not_the_first_token():
    logprobs = [None, {3: entry(-1.0)}, {1: entry(-0.5, 2), 4: entry(-0.5, 1)}]
    score = prompt_score(Window((4, 3, 1), 1), SimpleNamespace(prompt_logprobs=logprobs), decode)
    # Of equal log-probabilities the token's own is the greatest.
    assert score == (-1.5, True, RankedToken((4, 3), 1, 2), -0.5, -0.5, (4, 3, 1))


def test_a_log_probability_that_is_not_finite_has_no_rank():
    logprobs = [None, {1: entry(math.nan)}]
    score = prompt_score(Window((4, 1), 1), SimpleNamespace(prompt_logprobs=logprobs), decode)
    assert math.isnan(score.loglikelihood)
    assert score.first_token is None
    assert score.is_greedy is False
