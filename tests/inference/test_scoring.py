"""Scores against a brute-force computation of each continuation."""

from __future__ import annotations

import math
import pickle
import statistics
from array import array
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_eval_illusion.inference.scoring import (
    TOP,
    Continuation,
    ScoredContinuation,
    TopTokens,
    mid_ranks,
    score_continuations,
    top_tokens,
)
from tests.tiny_models import make_tiny_model

CPU = torch.device("cpu")
tokens = st.integers(3, 339)


@pytest.fixture(scope="module")
def model():
    return make_tiny_model("llama")


def score(continuations, forward, rows=3, max_length=64):
    with torch.inference_mode():
        return score_continuations(
            continuations, forward, max_length=max_length, rows=rows, softmax_dtype=torch.float32, device=CPU
        )


class BruteForce(NamedTuple):
    """What is expected of one continuation. `logs`: of each of its tokens; the rows hold the logarithms of all tokens."""

    logs: list[float]
    rows: list[list[float]]


def brute_force(model, continuation):
    ids = torch.tensor([[*continuation.context, *continuation.continuation]])
    with torch.inference_mode():
        rows = model(ids).logits[0].double().log_softmax(-1)[len(continuation.context) - 1 : -1].tolist()
    return BruteForce([row[token] for row, token in zip(rows, continuation.continuation, strict=True)], rows)


def possible_ranks(row, token):
    """The first and last rank that `token` may have: tokens within 1e-5 of it may stand on either side, as float32 sums differ."""
    return 1 + sum(log > row[token] + 1e-5 for log in row), sum(log >= row[token] - 1e-5 for log in row)


def with_white_space(context, tokens, blank, in_prompt):
    """A continuation some of whose leading tokens are blank, and some of these of the prompt."""
    blank = blank % len(tokens)
    return Continuation(tuple(context), tuple(tokens), blank, min(in_prompt, blank))


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.lists(tokens, min_size=1, max_size=12),
            st.lists(tokens, min_size=1, max_size=4),
            st.integers(0, 3),
            st.integers(0, 2),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_against_brute_force(cases):
    model = make_tiny_model("llama")
    continuations = [with_white_space(*case) for case in cases]
    scores = score(continuations, lambda ids: model(ids).logits)
    for continuation, scored in zip(continuations, scores, strict=True):
        logs, rows = brute_force(model, continuation)
        blank, in_prompt = continuation.blank, continuation.in_prompt
        ranks = [possible_ranks(row, token) for row, token in zip(rows, continuation.continuation, strict=True)]
        assert scored[0] == pytest.approx(sum(logs), abs=1e-4)
        assert scored[1] in {all(last == 1 for _, last in ranks), all(first == 1 for first, _ in ranks)}
        assert ranks[blank][0] <= scored.first_token_rank <= ranks[blank][1]
        assert (scored.first_token_logprob, scored.answer_logprob) == (
            pytest.approx(logs[blank], abs=1e-4),
            pytest.approx(sum(logs[blank:]), abs=1e-4),
        )
        assert len(set(scored.top_tokens.ids)) == TOP
        for place, token in enumerate(scored.top_tokens.ids, 1):
            first, last = possible_ranks(rows[in_prompt], token)
            assert first <= place <= last


def test_the_greedy_token_has_rank_1(model):
    context = (5, 6, 7)
    best = int(model(torch.tensor([context])).logits[0, -1].argmax())
    (scored,) = score([Continuation(context, (best,))], lambda ids: model(ids).logits)
    assert scored.first_token_rank == 1
    assert scored[1] is True


def test_equal_continuations_are_computed_once(model):
    calls = []

    def forward(ids):
        calls.append(len(ids))
        return model(ids).logits

    continuation = Continuation((5, 6), (7,))
    assert len(score([continuation] * 3, forward)) == 3
    assert calls == [1]


def test_a_context_longer_than_the_window_is_cut_from_the_left(model):
    whole = Continuation(tuple(range(10, 60)), (7, 8))
    cut = Continuation(tuple(range(10, 60))[-15:], (7, 8))  # 15 + 2 - 1 = the 16 tokens of the window
    long, short = (score([continuation], lambda ids: model(ids).logits, max_length=16)[0] for continuation in (whole, cut))
    assert long[0] == pytest.approx(short[0], abs=1e-6)


def test_no_rank_without_finite_logits():
    (scored,) = score([Continuation((5,), (7,))], lambda ids: torch.full((*ids.shape, 340), float("nan")))
    assert scored.first_token_rank is None
    assert (scored.first_token_logprob, scored.answer_logprob, scored.top_tokens) == (None, None, None)
    assert math.isnan(scored[0])


def test_all_logits_equal_give_the_middle_rank():
    # 340 tokens share the ranks 1 to 340, whose mean is 170.5.
    (scored,) = score([Continuation((5,), (7,))], lambda ids: torch.zeros(*ids.shape, 340))
    assert scored.first_token_rank == 170.5


def test_the_likeliest_tokens_are_in_order_and_have_a_probability():
    row = torch.full((340,), float("-inf"))
    row[[9, 4, 200]] = torch.tensor([0.0, 0.0, 1.0])
    (top,) = top_tokens(torch.log_softmax(row, dim=-1)[None])
    # Equal ones in the order of their ids: e / (e + 2) and twice 1 / (e + 2).
    assert list(top.ids) == [200, 4, 9]
    assert list(top.logprobs) == pytest.approx([1 - math.log(math.e + 2), *[-math.log(math.e + 2)] * 2])


def mid_rank_by_sorting(logits, token):
    """The mean of the positions, from 1, that the token can have among equal ones in a list sorted by logit."""
    positions = [place for place, value in enumerate(sorted(logits, reverse=True), 1) if value == logits[token]]
    return statistics.fmean(positions)


@given(st.lists(st.sampled_from([-1.5, 0.0, 2.0, 2.5, float("-inf")]), min_size=1, max_size=9), st.data())
def test_the_mid_rank_is_the_mean_position_among_equals(logits, data):
    token = data.draw(st.integers(0, len(logits) - 1))
    (rank,) = mid_ranks(torch.tensor(logits), torch.tensor([token])).tolist()
    assert rank == (0 if math.isinf(logits[token]) else mid_rank_by_sorting(logits, token))


def test_ties_of_bfloat16_are_ties_whatever_the_order():
    # 8.0 and 8.02 are the same number in bfloat16: tokens 1 and 3 share the ranks 2 and 3.
    logits = torch.tensor([9.0, 8.0, 1.0, 8.02]).to(torch.bfloat16)
    assert mid_ranks(logits, torch.tensor([0, 1, 2, 3])).tolist() == [1, 2.5, 4, 2.5]
    assert mid_ranks(logits.flip(0), torch.tensor([3, 2, 1, 0])).tolist() == [1, 2.5, 4, 2.5]


def test_a_whole_rank_is_an_int():
    ranks = [ScoredContinuation(0.0, True, rank).first_token_rank for rank in (3.0, 2.5, None)]
    assert [(rank, type(rank)) for rank in ranks] == [(3, int), (2.5, float), (None, type(None))]


@pytest.mark.parametrize(("limit", "sizes"), [(None, [3, 1]), (9, [1, 3]), (8, [1, 1, 2]), (0, [1] * 4)])
def test_sequences_beyond_the_limit_run_alone(model, limit, sizes):
    # The inputs have 11, 9, 7 and 5 tokens.
    calls = []

    def forward(ids):
        calls.append(len(ids))
        return model(ids).logits

    continuations = [Continuation(tuple(range(5, 5 + length)), (7,)) for length in (11, 9, 7, 5)]
    with torch.inference_mode():
        score_continuations(
            continuations, forward, max_length=64, rows=3, softmax_dtype=torch.float32, device=CPU, max_batched_length=limit
        )
    assert calls == sizes


def test_a_score_is_a_tuple_of_two_for_lm_eval():
    loglikelihood, is_greedy = ScoredContinuation(-1.5, True, 3)
    assert (loglikelihood, is_greedy) == (-1.5, True)
    assert ScoredContinuation(-1.5, True, 3) == (-1.5, True)


def test_a_score_can_be_sent_to_another_process_with_its_rank():
    # lm_eval gathers the responses of all processes by pickle.
    top = TopTokens(array("q", [7]), array("f", [-0.5]))
    received = pickle.loads(pickle.dumps(ScoredContinuation(-1.5, True, 3, -0.25, -1.25, top)))
    assert (received, received.first_token_rank) == ((-1.5, True), 3)
    assert (received.first_token_logprob, received.answer_logprob, received.top_tokens) == (-0.25, -1.25, top)
