"""`sample_tokens` against a race in which every chunk and every token takes part, in double precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.inference.generation_config import read_decoding
from lm_eval_illusion.inference.sampling import CHUNK, sample_tokens
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
