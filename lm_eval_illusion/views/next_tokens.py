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
    return statistics.fmean(math.exp(json.loads(text)[1][0]) for text in texts)
