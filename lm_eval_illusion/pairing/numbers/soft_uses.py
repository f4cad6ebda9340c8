"""How often the file has a value, as a cue that changes with every use, not only where one option becomes the most used of its four.

The exact cue (`donors.use_cues`) does not say which change leads to a balance if the true value has many more uses than the values
beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lm_eval_illusion.pairing.arrays import Indices, Scores

POWERS = (3.0, -3.0)
"""Exponents of the uses, of the guess by many and by few: a value with twice the uses is guessed 8 times as often, or seldom."""


class SoftUses:
    """How often a guess by uses finds the true values, in which each of four options has a chance that grows, or falls, with its uses.

    Attributes:
        hits: [rows, 2], the probability that the true value is guessed, by many uses and by few.

    Args:
        answers: [rows, 4], the options as numbers; the right one first.
        times: [answers], how often the file has each.
    """

    def __init__(self, answers: Indices, times: Indices) -> None:
        import numpy as np

        self._answers, self._times = answers, times
        uses = times[answers]
        shares = [_shares(uses, power) for power in POWERS]
        self.hits = np.column_stack([share[:, 0] for share in shares])
        self._slopes: list[Scores] = []
        for share, power in zip(shares, POWERS, strict=True):
            slope = -share[:, :1] * share
            slope[:, 0] += share[:, 0]
            weights = power * slope / np.maximum(uses, 1)
            slopes: Scores = np.bincount(answers.ravel(), weights.ravel(), minlength=len(times)).astype(float)
            self._slopes.append(slopes)

    def replacing(self, rows: Indices, places: Indices, new: Indices) -> Scores:
        """Return [changes, 2]: about how the sums change if a row has a new value at a place."""
        import numpy as np

        uses = self._times[self._answers[rows]]
        uses[np.arange(len(rows)), places] = self._times[new] + 1
        old = self._answers[rows, places]
        return np.column_stack(
            [
                _shares(uses, power)[:, 0] - self.hits[rows, cue] + self._slopes[cue][new] - self._slopes[cue][old]
                for cue, power in enumerate(POWERS)
            ]
        )


def _shares(uses: Indices, power: float) -> Scores:
    """Return the probability of each option, [rows, 4]."""
    import numpy as np

    powers = np.maximum(uses, 1).astype(float) ** power
    shares: Scores = powers / powers.sum(axis=1, keepdims=True)
    return shares
