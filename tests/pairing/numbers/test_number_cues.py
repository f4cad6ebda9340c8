"""The cues of numbers, against plain Python on single values."""

from __future__ import annotations

from statistics import geometric_mean, mean

import numpy as np
import pytest

from lm_eval_illusion.pairing.numbers.number_cues import CUES, number_scores


def guesses(cue, values):
    """The values with the highest score by a cue."""
    scores = number_scores(np.array(values))[CUES.index(cue)]
    return {value for value, score in zip(values, scores.tolist(), strict=True) if score == max(scores)}


@pytest.mark.parametrize(
    ("cue", "values", "guess"),
    [
        ("nearest to the mean", (10, 20, 30, 100), {30}),  # The mean is 40.
        ("farthest from the mean", (10, 20, 30, 100), {100}),
        ("nearest to the middle", (10, 20, 30, 100), {30}),  # 55
        ("nearest to the middle", (10, 20, 80, 100), {80}),
        ("nearest to the geometric mean", (1, 10, 30, 1000), {30}),  # About 23.4; the mean is 260.
        ("nearest to another value", (10, 20, 22, 100), {20, 22}),
        ("farthest from any other value", (10, 20, 22, 100), {100}),
        ("most digits shared with the others", (1941, 1942, 1843, 1951), {1941}),
        ("fewest digits shared with the others", (1941, 1942, 1843, 1951), {1843}),
        ("roundest", (1900, 1910, 1911, 2000), {2000}),
        ("least round", (1900, 1910, 1911, 2000), {1911}),
        ("roundest", (1, 10, 0, 3), {10}),
        ("a multiple of five", (12, 15, 18, 20), {15, 20}),
        ("even", (11, 13, 14, 15), {14}),
        ("odd", (12, 13, 14, 16), {13}),
        ("smallest last digit", (12, 31, 45, 29), {31}),
        ("greatest last digit", (12, 31, 45, 29), {29}),
    ],
)
def test_the_guess_of_a_cue(cue, values, guess):
    assert guesses(cue, values) == guess


def test_means_of_random_values():
    rng = np.random.default_rng(0)
    for values in rng.integers(1, 10**6, (50, 4)).tolist():
        assert guesses("nearest to the mean", values) == {min(values, key=lambda value: abs(value - mean(values)))}
        log = geometric_mean(values)
        assert guesses("nearest to the geometric mean", values) == {
            min(values, key=lambda value: max(value / log, log / value))
        }


def test_many_fours_at_once_are_scored_as_each_alone():
    values = np.random.default_rng(0).integers(0, 10**9, (5, 7, 4))
    scores = number_scores(values)
    assert scores.shape == (len(CUES), 5, 7, 4)
    for row in range(5):
        for column in range(7):
            np.testing.assert_array_equal(scores[:, row, column], number_scores(values[row, column]))
