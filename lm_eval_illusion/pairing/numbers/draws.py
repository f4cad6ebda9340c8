"""Draws of three values for a number: which draws are possible, and how often each cue finds the true value in them, for many at once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product
from typing import TYPE_CHECKING

from lm_eval_illusion.pairing.numbers.changes import DRAWN_FROM, by_side
from lm_eval_illusion.pairing.numbers.number_cues import number_scores
from lm_eval_illusion.pairing.surface_cues import answer_hits

if TYPE_CHECKING:
    from lm_eval_illusion.pairing.arrays import Indices, Scores

DRAWS = 20
"""Draws of three values per question, of which the best is taken."""


@dataclass(frozen=True)
class Drawn:
    """Draws for one number.

    Attributes:
        values: The values that the draws take, and the true one first.
        rows: [DRAWS, 3], three indices into `values` per draw.
    """

    values: list[int]
    rows: Indices


def draw(values: Sequence[int], truth: int, rank: int, preferred: frozenset[int], rng: random.Random) -> Drawn:
    """Draw three values many times, `rank` of them below the true one: preferred values first, then near ones, not always the nearest.

    Draws differ, unless fewer than DRAWS are possible.
    """
    import numpy as np

    fixed: list[int] = []
    free: list[list[int]] = []
    counts: list[int] = []
    for count, side in zip((rank, 3 - rank), by_side(values, truth, preferred), strict=True):
        first = [value for value in side if value in preferred][:count]
        fixed += first
        free.append([value for value in side if value not in first][:DRAWN_FROM])
        counts.append(count - len(first))
    possible = _possible_draws(len(fixed), (len(free[0]), counts[0]), (len(free[1]), counts[1]))
    start = rng.randrange(len(possible))
    rows: Indices = possible.take(np.arange(start, start + DRAWS), axis=0, mode="wrap")
    return Drawn([truth, *fixed, *free[0], *free[1]], rows)


@lru_cache(maxsize=1_000)
def _possible_draws(fixed: int, below: tuple[int, int], above: tuple[int, int]) -> Indices:
    """Return all draws, in random order, as indices: the true value, then `fixed` values, those below and those above.

    Args:
        fixed: The number of values that every draw has.
        below: The number of other values below the true one, and how many of them a draw takes.
        above: The same above it.
    """
    import numpy as np

    first = 1 + fixed
    of_below = combinations(range(first, first + below[0]), below[1])
    of_above = combinations(range(first + below[0], first + below[0] + above[0]), above[1])
    draws = [(*range(1, first), *lower, *upper) for lower, upper in product(of_below, of_above)]
    random.Random(f"{fixed} {below} {above}").shuffle(draws)
    return np.array(draws, dtype=np.intp)


def excess_of(drawn: Sequence[Drawn], surface: Sequence[Scores]) -> Scores:
    """Return how much more often than by chance each cue finds the true value in each draw, [questions, DRAWS, cues].

    Args:
        drawn: The draws of each question.
        surface: For each question the scores of its values as texts by the cues of `surface_cues`, [cues, values]. All have as many cues.

    Returns:
        The probability that the true value scores highest, minus a quarter; first by `surface`, then by `number_scores`.
    """
    import numpy as np

    most, count = max(len(one.values) for one in drawn), len(drawn)
    values = np.ones((count, most), dtype=np.int64)
    texts = np.zeros((count, len(surface[0]), most))
    # The true value stands first in each.
    rows = np.zeros((count, DRAWS, 4), dtype=np.intp)
    for index, (one, scores) in enumerate(zip(drawn, surface, strict=True)):
        values[index, : len(one.values)] = one.values
        texts[index, :, : len(one.values)] = scores[:, : len(one.values)]
        rows[index, :, 1:] = one.rows
    questions = np.arange(count)[:, None, None]
    by_text = np.moveaxis(texts, 1, 0)[:, questions, rows]
    scores = np.concatenate([by_text, number_scores(values[questions, rows])])
    hits = answer_hits(scores.reshape(-1, 4)).reshape(scores.shape[:-1])
    excess: Scores = np.moveaxis(hits, 0, -1) - 0.25
    return excess
