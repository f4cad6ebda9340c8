"""The weights against a brute-force computation over all pairs."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from lm_eval_illusion.pairing.asked import word_weights as module
from lm_eval_illusion.pairing.asked.word_weights import word_weights


def brute_force(words: np.ndarray, traits: np.ndarray) -> list[float]:
    def mean_product(rows) -> tuple[float, int]:
        pairs = list(combinations(rows, 2))
        return sum(float(traits[one] @ traits[other]) for one, other in pairs) / max(1, len(pairs)), len(pairs)

    usual, _ = mean_product(range(len(words)))
    weights = []
    for column in words.T:
        rows = [row for row, value in enumerate(column) if value > 0]
        alike, pairs = mean_product(rows)
        # Each pair counts twice beside the prior, once in each direction.
        lift = (2 * pairs * alike / usual + module.PRIOR_PAIRS * module.PRIOR_LIFT) / (2 * pairs + module.PRIOR_PAIRS)
        lift = min(max(lift, module.MIN_LIFT), module.MAX_LIFT)
        rarity = math.log((len(words) + 1) / (len(rows) + 0.5))
        weights.append(rarity * min(1, math.log2(len(rows)) / math.log2(module.FULL_WEIGHT_COUNT)) * lift)
    return weights


@pytest.mark.parametrize("seed", range(3))
def test_as_a_brute_force_over_pairs(seed):
    rng = np.random.default_rng(seed)
    words = (rng.random((30, 8)) < 0.3) * rng.random((30, 8))
    words[0] = 1  # Each word occurs.
    traits = rng.random((30, 5)) * (rng.random((30, 5)) < 0.5) + 0.01
    traits /= np.linalg.norm(traits, axis=1, keepdims=True)
    found = word_weights(csr_matrix(words), csr_matrix(traits))
    assert found == pytest.approx(brute_force(words, traits), rel=1e-5)


def test_a_word_of_one_question_tells_nothing():
    words = csr_matrix(np.array([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]))
    weights = word_weights(words, csr_matrix(np.eye(3)))
    assert weights[0] == 0
    assert weights[1] > 0


def test_a_word_whose_answers_look_alike_tells_more():
    words = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1], [0, 0], [0, 0]])
    traits = np.eye(6)
    traits[1] = traits[0]
    weights = word_weights(csr_matrix(words), csr_matrix(traits))
    assert weights[0] > weights[1]
