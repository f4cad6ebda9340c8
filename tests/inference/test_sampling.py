"""The race against one in which every block and every token runs, computed in double precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.inference.hf_generate import read_decoding
from lm_eval_illusion.inference.sampling import BLOCK, sample_tokens
from lm_eval_illusion.views import generation_kwargs


def speeds(logits, temperature, seed):
    """How fast each block is, and each token within its block: probability / draw. The blocks draw first, then the places of a block."""
    blocks = -(-len(logits) // BLOCK)
    filled = np.full(blocks * BLOCK, -np.inf)
    filled[: len(logits)] = logits.double().numpy()
    weights = np.exp((filled - filled.max()) / temperature).reshape(blocks, BLOCK)
    draws = np.random.Generator(np.random.SFC64(seed)).standard_exponential(blocks + BLOCK, dtype=np.float32).astype(float)
    return weights.sum(axis=1) / draws[:blocks], weights / draws[blocks:]


def decoding(temperature):
    return read_decoding({**generation_kwargs("sample"), "temperature": temperature}, 1, 64)


def check_winners(logits, temperature, seeds):
    for row, seed, winner in zip(logits, seeds, sample_tokens([logits], decoding(temperature), seeds), strict=True):
        of_block, of_token = speeds(row, temperature, seed)
        block, place = divmod(winner, BLOCK)
        # The winner is the fastest, or as fast as it but for the rounding of float32.
        assert of_block[block] >= of_block.max() * (1 - 1e-4)
        assert of_token[block, place] >= of_token[block].max() * (1 - 1e-4)


@given(
    st.integers(1, 6),
    st.integers(1, 9 * BLOCK),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.5, 3.0, 30.0]),
    st.sampled_from([0.3, 1.0, 2.0]),
)
def test_the_fastest_wins(rows, vocabulary, seed, spread, temperature):
    logits = spread * torch.randn(rows, vocabulary, generator=torch.Generator().manual_seed(seed))
    logits[:, 1::7] = -torch.inf
    check_winners(logits, temperature, [seed + row for row in range(rows)])


@pytest.mark.parametrize("spread", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_in_a_large_vocabulary(spread, dtype):
    logits = spread * torch.randn(40, 151_936, generator=torch.Generator().manual_seed(1))
    check_winners(logits.to(dtype), 0.7, list(range(40)))
