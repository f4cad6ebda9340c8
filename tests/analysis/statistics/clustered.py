"""Clustered rows for the tests: drawn by hypothesis, and simulated with effects that the languages of an item share."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from scipy.stats import norm

IDS, BITS = st.integers(0, 6), st.integers(0, 1)


@st.composite
def clustered_rows(draw, values=BITS, columns=1, min_size=1):
    """Draw `columns` arrays of values and the cluster of each row; some cluster numbers may have no row."""
    rows = draw(st.lists(st.tuples(IDS, *[values] * columns), min_size=min_size, max_size=40))
    table = np.array(rows, dtype=int).reshape(len(rows), columns + 1)
    return [*table.T[1:], table[:, 0]]


def shuffled(arrays, seed):
    order = np.random.default_rng(seed).permutation(len(arrays[0]))
    return [array[order] for array in arrays]


def renamed(clusters, seed):
    return np.random.default_rng(seed).permutation(7)[clusters]


ITEMS, LANGUAGES = 200, 6
# Four outcomes: recognised and produced by the dense model, recognised and produced by the pruned one. Each has a threshold and
# weights of three normal effects of an item, equal in all languages: difficulty, difficulty to produce, sensitivity to pruning.
THRESHOLDS = np.array([1.5, 1.2, 1.0, -0.2])
WEIGHTS = np.array([[1, 0, 0], [1, 1.5, 0], [1, 0, 0.5], [1, 1.5, 3]])
# A probit model with normal effects is a probit model: P(threshold + effects + noise > 0) in closed form.
RATES = norm.cdf(THRESHOLDS / np.sqrt(1 + (WEIGHTS**2).sum(axis=1)))


def simulated_answers(seed):
    """Return 0/1 answers [item, language, outcome] with P(outcome) = RATES; the languages of an item share its effects."""
    generator = np.random.default_rng(seed)
    effects = generator.normal(size=(ITEMS, 3)) @ WEIGHTS.T
    noise = generator.normal(size=(ITEMS, LANGUAGES, 4))
    return (THRESHOLDS + effects[:, None, :] + noise > 0).astype(int)


def gap_and_change(answers):
    """Return the illusion gap of the pruned model and its change from the dense one; the last axis has the four outcomes."""
    gap = answers[..., 2] - answers[..., 3]
    return np.stack([gap, gap - (answers[..., 0] - answers[..., 1])], axis=-1)
