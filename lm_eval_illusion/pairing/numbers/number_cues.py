"""Cues of numbers: features of four values alone that could reveal the true one without the question, such as the nearest to their mean.

The rank of the true value is chosen apart (`distractors`): as each rank is equally often the true one, neither the smallest, the
greatest nor the value nearest to the median is right more often than by chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lm_eval_illusion.pairing.arrays import Scores

CUES = (
    *("nearest to the mean", "farthest from the mean", "nearest to the middle", "nearest to the geometric mean"),
    *("nearest to another value", "farthest from any other value"),
    *("most digits shared with the others", "fewest digits shared with the others"),
    *("roundest", "least round", "a multiple of five", "even", "odd", "smallest last digit", "greatest last digit"),
)
"""The cues, in the order of `number_scores`. "Middle" is half way between the smallest and the greatest value."""


def number_scores(values: NDArray[np.int64]) -> Scores:
    """Return the score of each value among four by each cue, [cues, ..., 4]; the highest score is the guess. `values`: [..., 4]."""
    import numpy as np

    plain = values.astype(float)
    logarithms = np.log(np.maximum(plain, 1))
    from_mean = np.abs(plain - plain.mean(axis=-1, keepdims=True))
    middle = (plain.min(axis=-1, keepdims=True) + plain.max(axis=-1, keepdims=True)) / 2
    distances = np.abs(plain[..., :, None] - plain[..., None, :])
    distances[..., np.arange(4), np.arange(4)] = np.inf
    nearest = distances.min(axis=-1)
    shared, zeros = _shared_digits(values), _trailing_zeros(values)
    last = values % 10
    return np.array(
        [
            *(-from_mean, from_mean, -np.abs(plain - middle)),
            -np.abs(logarithms - logarithms.mean(axis=-1, keepdims=True)),
            *(-nearest, nearest, shared, -shared, zeros, -zeros),
            *(last % 5 == 0, last % 2 == 0, last % 2 == 1, -last, last),
        ],
        dtype=float,
    )


def _shared_digits(values: NDArray[np.int64]) -> Scores:
    """Return for each value how many of its digits the others have at the same place, all together."""
    import numpy as np

    shared = np.zeros(values.shape)
    rest = values
    while rest.any():
        digits = rest % 10
        shared += (digits[..., :, None] == digits[..., None, :]).sum(axis=-1)
        rest = rest // 10
    return shared


def _trailing_zeros(values: NDArray[np.int64]) -> Scores:
    import numpy as np

    zeros = np.zeros(values.shape)
    divisor = 10
    while (is_round := (values % divisor == 0) & (values > 0)).any():
        zeros += is_round
        divisor *= 10
    return zeros
