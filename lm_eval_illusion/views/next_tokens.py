"""The metric `top_logprobs`: the likeliest next tokens at the end of the open prompt, as one text of a row.

The text is JSON of less than 1.2 kB: `[[token ids], [log-probabilities in nats]]`, the likeliest first. They have seven significant
digits, as many as a 32-bit number.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence

MOST_TOKENS = 64
"""The largest number of tokens in a text."""


def next_tokens_text(ids: Sequence[int], logprobs: Sequence[float]) -> str:
    """Return the text of the likeliest tokens and their log-probabilities in nats."""
    # A softmax may round a log-probability of 0 to more than 0.
    written = (f"{min(logprob, -0.0):.7g}" for logprob in logprobs)
    return f"[[{','.join(map(str, ids))}],[{','.join(written)}]]"


def mean_top_probability(texts: Sequence[str]) -> float:
    """Return the mean probability of the likeliest token over the texts of a task: the number in lm_eval's table."""
    return statistics.fmean(map(top_probability, texts))


def top_probability(text: str) -> float:
    """Return the probability of the likeliest token of a text."""
    return math.exp(json.loads(text)[1][0])


class LoggedTokens(str):
    """A text of next tokens as the value of a metric. In sums and differences it is the probability of its likeliest token.

    lm_eval calculates mean and standard error of a metric that the YAML of a task does not declare. A task folder that was made before
    this metric existed does not declare it.
    """

    __slots__ = ()

    def __radd__(self, total: float) -> float:
        """Return a sum with the probability."""
        return total + top_probability(self)

    def __sub__(self, mean: float) -> float:
        """Return the difference between the probability and a mean."""
        return top_probability(self) - mean
