"""The mask of the smallest weights, compared with its definition."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.pruning.modifiers import smallest

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
