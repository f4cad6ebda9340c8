"""Mid-ranks of tokens from lists of the likeliest tokens, which is what vLLM gives: how long a list to ask for, and what it tells.

vLLM's own rank of a token counts the tokens that are as likely or likelier, so tied tokens get the worst rank that they could have.
pruned-hf gives them the mid-rank. The list of the likeliest tokens shows the ties if it reaches below the token.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from lm_eval_illusion.inference.scoring import TOP, TopTokens

# Entries of all lists of a batch: each is an object of Python in vLLM's answer, about 250 bytes.
MAX_ENTRIES = 1 << 20


class RankedToken(NamedTuple):
    """A token after a context, ids both. `rank`: vLLM's; it is at least the best rank that tied tokens could have."""

    context: tuple[int, ...]
    token: int
    rank: int


class TokenList(NamedTuple):
    """What a list of the likeliest tokens tells: the mid-rank of the token that it was asked for, and its first tokens."""

    rank: float | None
    top: TopTokens | None


def list_length(token: RankedToken, vocabulary: int) -> int:
    """Return how many of the likeliest tokens to ask for: as many as are kept, or more if the list must reach below the token.

    The list comes from another forward pass than the rank, whose last digits may differ: hence twice the rank.
    """
    return min(max(2 * token.rank + 16, TOP), vocabulary)


def mid_rank(logprobs: Mapping[int, float], token: int, vocabulary: int) -> float | None:
    """Return the mid-rank of a token: 1 + the number of likelier tokens + half of the number of other tokens that are as likely.

    `logprobs`: the log-probabilities of the likeliest tokens. `vocabulary`: the number of all tokens. None where the list does not tell,
    because it is not complete and does not reach below the token, and where a log-probability is not finite.
    """
    scored = logprobs.get(token, math.nan)
    if not math.isfinite(scored) or any(math.isnan(other) for other in logprobs.values()):
        return None
    if len(logprobs) < vocabulary and scored <= min(logprobs.values()):
        return None
    likelier = sum(other > scored for other in logprobs.values())
    as_likely = sum(other == scored for other in logprobs.values())
    return 1 + likelier + (as_likely - 1) / 2


def batches_of_lists(tokens: Sequence[RankedToken], lengths: Mapping[RankedToken, int]) -> Iterator[list[RankedToken]]:
    """Yield batches whose lists have at most `MAX_ENTRIES` entries if all are as long as the longest; a longer list is alone."""
    batch: list[RankedToken] = []
    for token in sorted(tokens, key=lambda token: lengths[token]):
        if batch and lengths[token] * (len(batch) + 1) > MAX_ENTRIES:
            yield batch
            batch = []
        batch.append(token)
    if batch:
        yield batch
