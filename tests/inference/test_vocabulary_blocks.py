"""Blocks of the vocabulary against a search among all tokens."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.inference.sampling import BLOCK, best_token, best_tokens, blank_blocks


@given(st.integers(1, 4), st.integers(1, 3 * BLOCK))
def test_blank_blocks_have_room_and_a_filling(rows, vocabulary):
    blank = blank_blocks(torch.zeros(rows, vocabulary, dtype=torch.bfloat16))
    assert blank.dtype == torch.float32
    assert blank.shape == (rows, BLOCK * math.ceil(vocabulary / BLOCK))
    assert (blank[:, vocabulary:] == -torch.inf).all()


@given(st.integers(1, 4 * BLOCK), st.integers(0, 2**32 - 1), st.sampled_from([torch.float32, torch.bfloat16]))
def test_the_best_token_is_the_first_of_the_greatest(vocabulary, seed, dtype):
    # Five values only, so that there are many equal ones.
    logits = torch.randint(5, (vocabulary,), generator=torch.Generator().manual_seed(seed)).to(dtype)
    values = logits.tolist()
    assert best_token(logits) == values.index(max(values))


@given(st.data(), st.integers(1, 4 * BLOCK), st.integers(0, 2**32 - 1))
def test_best_tokens_are_those_of_all(data, vocabulary, seed):
    count = data.draw(st.integers(1, min(20, vocabulary)))
    # Different whole numbers over 8: no two tokens are equal.
    order = torch.randperm(vocabulary, generator=torch.Generator().manual_seed(seed))
    logits = order.float() / 8
    scores, ids = best_tokens(logits, count)
    expected = torch.log_softmax(logits.double(), dim=0)
    assert ids.tolist() == order.argsort(descending=True)[:count].tolist()
    torch.testing.assert_close(scores.double(), expected[ids], rtol=1e-6, atol=1e-5)
    assert torch.equal(logits, order.float() / 8)  # left as it was


@pytest.mark.parametrize("ruled_out", [0, 3, 5])
def test_tokens_that_are_ruled_out_come_last_and_exist(ruled_out):
    logits = torch.tensor([1.0, 3.0, 2.0, 5.0, 4.0])
    logits[:ruled_out] = -torch.inf
    _, ids = best_tokens(logits, 5)
    assert sorted(ids.tolist()) == [0, 1, 2, 3, 4]
    allowed = [token for token in (3, 4, 1, 2, 0) if token >= ruled_out]
    assert ids.tolist()[: len(allowed)] == allowed
