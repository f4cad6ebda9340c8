"""`sample_tokens` against a race in which every token takes part, in double precision; the best tokens against a full search."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.inference.generation_config import read_decoding
from lm_eval_illusion.inference.sampling import CHUNK, best_token, best_tokens, empty_chunks, sample_tokens
from lm_eval_illusion.views import generation_kwargs


def race(logits, temperature, seed):
    """Return probability / draw of each chunk and of each token in its chunk; the first draws belong to the chunks."""
    chunks = -(-len(logits) // CHUNK)
    filled = np.full(chunks * CHUNK, -np.inf)
    filled[: len(logits)] = logits.double().numpy()
    weights = np.exp((filled - filled.max()) / temperature).reshape(chunks, CHUNK)
    draws = np.random.Generator(np.random.SFC64(seed)).standard_exponential(chunks + CHUNK, dtype=np.float32).astype(float)
    return weights.sum(axis=1) / draws[:chunks], weights / draws[chunks:]


def decoding(temperature):
    return read_decoding({**generation_kwargs("sample"), "temperature": temperature}, 1, 64)


def check_winners(logits, temperature, seeds):
    for row, seed, winner in zip(logits, seeds, sample_tokens([logits], decoding(temperature), seeds), strict=True):
        chunk_quotients, token_quotients = race(row, temperature, seed)
        chunk, index = divmod(winner, CHUNK)
        # The winner has the greatest quotient, or one as great up to the rounding of float32.
        assert chunk_quotients[chunk] >= chunk_quotients.max() * (1 - 1e-4)
        assert token_quotients[chunk, index] >= token_quotients[chunk].max() * (1 - 1e-4)


@given(
    st.integers(1, 6),
    st.integers(1, 9 * CHUNK),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.5, 3.0, 30.0]),
    st.sampled_from([0.3, 1.0, 2.0]),
)
def test_the_sample_has_the_greatest_quotient(rows, vocabulary, seed, spread, temperature):
    logits = spread * torch.randn(rows, vocabulary, generator=torch.Generator().manual_seed(seed))
    logits[:, 1::7] = -torch.inf
    check_winners(logits, temperature, [seed + row for row in range(rows)])


@pytest.mark.parametrize("spread", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_in_a_large_vocabulary(spread, dtype):
    logits = spread * torch.randn(40, 151_936, generator=torch.Generator().manual_seed(1))
    check_winners(logits.to(dtype), 0.7, list(range(40)))


@given(st.integers(1, 4), st.integers(1, 3 * CHUNK))
def test_empty_chunks_hold_the_vocabulary_and_pad_with_minus_infinity(rows, vocabulary):
    empty = empty_chunks(torch.zeros(rows, vocabulary, dtype=torch.bfloat16))
    assert empty.dtype == torch.float32
    assert empty.shape == (rows, CHUNK * math.ceil(vocabulary / CHUNK))
    assert (empty[:, vocabulary:] == -torch.inf).all()


@given(st.integers(1, 4 * CHUNK), st.integers(0, 2**32 - 1), st.sampled_from([torch.float32, torch.bfloat16]))
def test_the_best_token_is_the_first_of_the_greatest(vocabulary, seed, dtype):
    # Five different values, so that many tokens are equal.
    logits = torch.randint(5, (vocabulary,), generator=torch.Generator().manual_seed(seed)).to(dtype)
    values = logits.tolist()
    assert best_token(logits) == values.index(max(values))


@given(st.data(), st.integers(1, 4 * CHUNK), st.integers(0, 2**32 - 1))
def test_best_tokens_are_those_of_a_full_sort(data, vocabulary, seed):
    count = data.draw(st.integers(1, min(20, vocabulary)))
    # Different whole numbers over 8: no two tokens are equal.
    order = torch.randperm(vocabulary, generator=torch.Generator().manual_seed(seed))
    logits = order.float() / 8
    scores, ids = best_tokens(logits, count)
    expected = torch.log_softmax(logits.double(), dim=0)
    assert ids.tolist() == order.argsort(descending=True)[:count].tolist()
    torch.testing.assert_close(scores.double(), expected[ids], rtol=1e-6, atol=1e-5)
    assert torch.equal(logits, order.float() / 8)  # the input is unchanged


@pytest.mark.parametrize("excluded", [0, 3, 5])
def test_tokens_without_probability_come_last_and_are_in_the_vocabulary(excluded):
    logits = torch.tensor([1.0, 3.0, 2.0, 5.0, 4.0])
    logits[:excluded] = -torch.inf
    _, ids = best_tokens(logits, 5)
    assert sorted(ids.tolist()) == [0, 1, 2, 3, 4]
    allowed = [token for token in (3, 4, 1, 2, 0) if token >= excluded]
    assert ids.tolist()[: len(allowed)] == allowed
