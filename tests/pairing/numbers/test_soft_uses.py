"""The soft cues of uses, against plain counting."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from lm_eval_illusion.pairing.numbers.soft_uses import SoftUses


def hits_of(answers):
    """By plain Python: the chance of the true value if each option is guessed in proportion to its uses to the power of 3, or -3."""
    times = Counter(value for row in answers for value in row)
    found = []
    for power in (3, -3):
        weights = [[times[value] ** power for value in row] for row in answers]
        found.append(sum(row[0] / sum(row) for row in weights))
    return found


def test_hits():
    answers = [[0, 1, 2, 3], [0, 1, 4, 5]]
    # 0 and 1 are used twice: 8 / (8 + 8 + 1 + 1), and 1/8 / (1/8 + 1/8 + 1 + 1).
    soft = SoftUses(np.array(answers), np.bincount(np.ravel(answers)))
    np.testing.assert_allclose(soft.hits, [[8 / 18, 1 / 18]] * 2)
    np.testing.assert_allclose(soft.hits.sum(axis=0), hits_of(answers))


def test_a_change_is_about_as_large_as_counted_anew():
    rng = np.random.default_rng(0)
    answers = np.array([rng.permutation(60)[:4] for _ in range(900)])
    soft = SoftUses(answers, np.bincount(answers.ravel(), minlength=60))
    rows, places = np.arange(20), np.arange(20) % 3 + 1
    new = np.array([next(value for value in rng.permutation(60) if value not in answers[row]) for row in rows])
    before = np.array(hits_of(answers.tolist()))
    counted = []
    for row, place, value in zip(rows, places, new, strict=True):
        changed = answers.copy()
        changed[row, place] = value
        counted.append(hits_of(changed.tolist()) - before)
    assert soft.replacing(rows, places, new) == pytest.approx(np.array(counted), abs=0.01)
    assert np.abs(counted).max() > 0.05
