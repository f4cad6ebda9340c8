"""The modifiers: magnitude pruning, and the fast norms of inputs for Wanda."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from llmcompressor.modifiers.pruning.wanda import base

from lm_eval_illusion.pruning.modifiers import accumulate_squares, fast_wanda_norms, smallest

weights = st.lists(st.lists(st.integers(-5, 5).map(float), min_size=8, max_size=8), min_size=1, max_size=6).map(torch.tensor)


@given(weights, st.floats(0, 0.99))
def test_unstructured_removes_the_smallest(weight, sparsity):
    mask = smallest(weight, sparsity, "0:0")
    removed, kept = weight.abs()[mask], weight.abs()[~mask]
    assert mask.sum() == int(weight.numel() * sparsity)
    assert not removed.numel() or not kept.numel() or removed.max() <= kept.min()


@given(weights, st.sampled_from(["2:4", "4:8"]))
def test_n_of_m_removes_the_smallest_of_each_group(weight, structure):
    zeros, group = map(int, structure.split(":"))
    mask = smallest(weight, None, structure)
    for row, removed in zip(weight.abs().tolist(), mask.tolist(), strict=True):
        for start in range(0, len(row), group):
            values, flags = row[start : start + group], removed[start : start + group]
            assert sum(flags) == zeros
            assert max(v for v, f in zip(values, flags, strict=True) if f) <= min(
                v for v, f in zip(values, flags, strict=True) if not f
            )


def test_squares_by_hand():
    # Two samples of two tokens, then one sample: (1 + 9 + 25 + 49 + 4 + 36) / 3 samples; the second input is half of the first.
    inputs = torch.tensor([[[1.0, 0.5], [3.0, 1.5]], [[5.0, 2.5], [7.0, 3.5]]])
    squares, samples = accumulate_squares(inputs, None, torch.zeros(2), 0)
    squares, samples = accumulate_squares(torch.tensor([[2.0, 1.0], [6.0, 3.0]]), None, squares, samples)
    assert samples == 3
    torch.testing.assert_close(squares, torch.tensor([124 / 3, 31 / 3]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_squares_equal_those_of_llmcompressor(dtype):
    torch.manual_seed(0)
    layer = torch.nn.Linear(24, 8, dtype=dtype)
    batches = [torch.randn(4, 5, 24, dtype=dtype), torch.randn(7, 24, dtype=dtype), torch.randn(1, 9, 24, dtype=dtype)]
    found, expected, counts = torch.zeros(24), torch.zeros(24), [0, 0]
    for inputs in batches:
        found, counts[0] = accumulate_squares(inputs, layer, found, counts[0])
        expected, counts[1] = base.accumulate_row_scalars(inputs, layer, expected, counts[1])
    assert counts == [6, 6]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=0)


def test_llmcompressors_own_function_is_restored():
    before = base.accumulate_row_scalars
    with fast_wanda_norms():
        assert base.accumulate_row_scalars is accumulate_squares
    assert base.accumulate_row_scalars is before
