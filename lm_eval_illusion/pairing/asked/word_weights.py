"""How much each word of the questions tells about the kind of answer, learnt from the questions themselves.

A word that tells the kind ("fruit", "wrote") occurs in several questions, and the answers of these questions look alike. A word of one
question tells nothing, and a frequent one little.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from lm_eval_illusion.pairing.arrays import Scores

FULL_WEIGHT_COUNT = 16
"""A word of so many questions has its full weight; of fewer ones less, by the logarithm: most words of two questions are names."""
MIN_LIFT, MAX_LIFT = 0.2, 5.0
"""Limits of the factor by which answers of a word's questions are more alike than any two answers."""
PRIOR_PAIRS, PRIOR_LIFT = 4.0, 1.5
"""What is assumed of a word before its questions are seen: so many pairs of answers, so many times as alike as any two."""


def word_weights(words: csr_matrix, traits: csr_matrix) -> Scores:
    """Return the weight of each word, [words].

    Args:
        words: [n questions, words], above 0 where the question has the word.
        traits: [n questions, traits of answers], rows of length 1.
    """
    import numpy as np

    count = words.shape[0]
    has_word = (words > 0).astype(np.float32)
    occurrences = np.asarray(has_word.sum(axis=0), dtype=float).ravel()
    rarity = np.log((count + 1) / (occurrences + 0.5))
    repeated = np.log2(np.maximum(occurrences, 1)) / math.log2(FULL_WEIGHT_COUNT)
    weights: Scores = rarity * np.minimum(1, repeated) * _lift(has_word, occurrences, traits)
    return weights


def _lift(has_word: csr_matrix, occurrences: Scores, traits: csr_matrix) -> Scores:
    """Return how many times as alike two answers are if a word is in both questions, [words]; within the limits."""
    import numpy as np

    own = np.asarray(traits.multiply(traits).sum(axis=1), dtype=float).ravel()
    # The sum of the products of all pairs is the squared length of the sum, less the products of each with itself.
    sums = has_word.T @ traits
    of_pairs = np.asarray(sums.multiply(sums).sum(axis=1), dtype=float).ravel() - has_word.T @ own
    total = np.asarray(traits.sum(axis=0), dtype=float).ravel()
    pairs = len(own) * (len(own) - 1)
    usual = max((float(total @ total) - float(own.sum())) / max(pairs, 1), 1e-6)
    pairs_of_word = occurrences * (occurrences - 1)
    lift: Scores = (of_pairs / usual + PRIOR_PAIRS * PRIOR_LIFT) / (pairs_of_word + PRIOR_PAIRS)
    return np.clip(lift, MIN_LIFT, MAX_LIFT)
