"""Scores against a brute-force computation of each continuation."""

from __future__ import annotations

import math
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_eval_illusion.inference.scoring import Continuation, ScoredContinuation, score_continuations
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


def brute_force(model, continuation):
    ids = torch.tensor([[*continuation.context, *continuation.continuation]])
    with torch.inference_mode():
        probabilities = model(ids).logits[0].double().softmax(-1)
    total, greedy, rank = 0.0, True, None
    for offset, token in enumerate(continuation.continuation):
        row = probabilities[len(continuation.context) - 1 + offset]
        total += math.log(row[token])
        greedy &= bool(row.argmax() == token)
        if offset == 0:
            rank = 1 + sum(p > row[token] for p in row.tolist())
    return total, greedy, rank


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.lists(tokens, min_size=1, max_size=12), st.lists(tokens, min_size=1, max_size=4)),
        min_size=1,
        max_size=6,
    )
)
def test_against_brute_force(pairs):
    model = make_tiny_model("llama")
    continuations = [Continuation(tuple(context), tuple(continuation)) for context, continuation in pairs]
    scores = score(continuations, lambda ids: model(ids).logits)
    for continuation, scored in zip(continuations, scores, strict=True):
        total, greedy, rank = brute_force(model, continuation)
        assert scored[0] == pytest.approx(total, abs=1e-4)
        assert scored[1] == greedy
        assert scored.first_token_rank == rank


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
    assert math.isnan(scored[0])


def test_equal_logits_share_the_best_rank():
    (scored,) = score([Continuation((5,), (7,))], lambda ids: torch.zeros(*ids.shape, 340))
    assert scored.first_token_rank == 1


def test_a_score_is_a_tuple_of_two_for_lm_eval():
    loglikelihood, is_greedy = ScoredContinuation(-1.5, True, 3)
    assert (loglikelihood, is_greedy) == (-1.5, True)
    assert ScoredContinuation(-1.5, True, 3) == (-1.5, True)


def test_a_score_can_be_sent_to_another_process_with_its_rank():
    # lm_eval gathers the responses of all processes by pickle.
    received = pickle.loads(pickle.dumps(ScoredContinuation(-1.5, True, 3)))
    assert (received, received.first_token_rank) == ((-1.5, True), 3)
