"""Whether one score leads: what recognition rests on, of our views and of other people's tasks alike."""

from __future__ import annotations

import math
from collections.abc import Sequence


def is_strictly_highest(scores: Sequence[float], place: int) -> bool:
    """Whether the score at `place` is above all others. A NaN anywhere leaves no highest score."""
    # A comparison with NaN is false, which alone would let others lead.
    if any(math.isnan(score) for score in scores):
        return False
    return all(scores[place] > score for other, score in enumerate(scores) if other != place)


def has_one_highest(scores: Sequence[float]) -> bool:
    """Whether any score is strictly the highest: not where there is a tie for the top, or a NaN."""
    return any(is_strictly_highest(scores, place) for place in range(len(scores)))
