"""Surface cues: the scores and the hits by hand."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from lm_eval_illusion.pairing.surface_cues import answer_hits, count_characters, surface_scores


def test_characters_are_counted_in_each_language():
    counts = count_characters([{"en": "abba", "de": "a"}, {"en": "b"}])
    assert counts == {"en": Counter("abbab"), "de": Counter("a")}


def test_scores_by_hand():
    # Of 3 characters + 1: "a" has probability 2/4, "b" 1/4, an unseen character 1/4 as well.
    scores = surface_scores(["ab", "x"], Counter("aab"))
    expected = [[2, 1], [-2, -1], [math.log(1 / 8), math.log(1 / 4)], [math.log(1 / 8) / 2, math.log(1 / 4)]]
    assert scores == pytest.approx(np.array(expected))


@pytest.mark.parametrize(
    ("scores", "hit"),
    [([3, 1, 2, 0], 1), ([1, 3, 2, 0], 0), ([3, 3, 2, 0], 1 / 2), ([3, 3, 3, 3], 1 / 4), ([-1, -2, -1, -1], 1 / 3)],
)
def test_the_hit_of_a_guess_is_shared_in_a_tie(scores, hit):
    assert answer_hits(np.array([scores], dtype=float)) == pytest.approx([hit])


def test_hits_of_many_questions_at_once():
    scores = np.array([[[3, 1, 2, 0], [1, 3, 2, 0]], [[2, 2, 1, 1], [5, 5, 5, 5]]], dtype=float)
    assert answer_hits(scores) == pytest.approx(np.array([[1, 0], [1 / 2, 1 / 4]]))
