"""Clustered rows for the tests: as hypothesis draws them, and as a model that errs alike in all languages would answer."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from scipy.stats import norm

IDS, BITS = st.integers(0, 6), st.integers(0, 1)


@st.composite
def clustered_rows(draw, values=BITS, columns=1, min_size=1):
    """(columns arrays of values, the rows' clusters); some cluster numbers may have no row."""
    rows = draw(st.lists(st.tuples(IDS, *[values] * columns), min_size=min_size, max_size=40))
    table = np.array(rows, dtype=int).reshape(len(rows), columns + 1)
    return [*table.T[1:], table[:, 0]]


def shuffled(arrays, seed):
    order = np.random.default_rng(seed).permutation(len(arrays[0]))
    return [array[order] for array in arrays]


def renamed(clusters, seed):
    return np.random.default_rng(seed).permutation(7)[clusters]


ITEMS, LANGUAGES = 200, 6
# Recognised and produced by the dense model, recognised and produced by the pruned one: the threshold, and the weight of three
# normal effects that an item has in all its languages (difficulty, hard to say, hard for the pruned).
THRESHOLDS = np.array([1.5, 1.2, 1.0, -0.2])
WEIGHTS = np.array([[1, 0, 0], [1, 1.5, 0], [1, 0, 0.5], [1, 1.5, 3]])
# A probit with normal effects is a probit again: P(threshold + effects + noise > 0), without simulation.
RATES = norm.cdf(THRESHOLDS / np.sqrt(1 + (WEIGHTS**2).sum(axis=1)))


def simulated_answers(seed):
    """0/1 [item, language, outcome] with P(outcome) = RATES; the languages of an item share its effects."""
    generator = np.random.default_rng(seed)
    effects = generator.normal(size=(ITEMS, 3)) @ WEIGHTS.T
    noise = generator.normal(size=(ITEMS, LANGUAGES, 4))
    return (THRESHOLDS + effects[:, None, :] + noise > 0).astype(int)


def gap_and_change(answers):
    """The illusion gap of the pruned model and its change from the dense one, for the last axis' four outcomes."""
    gap = answers[..., 2] - answers[..., 3]
    return np.stack([gap, gap - (answers[..., 0] - answers[..., 1])], axis=-1)
