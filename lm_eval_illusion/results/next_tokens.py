"""The likeliest next tokens of a row: the reader of the metric `top_logprobs`, which views/next_tokens.py writes."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import Annotated

import msgspec

from lm_eval_illusion.errors import one_line
from lm_eval_illusion.results.sample_lines import RowError
from lm_eval_illusion.views.next_tokens import MOST_TOKENS

HIGHEST_ID = 100_000_000
"""The largest vocabularies have less than a million tokens."""
MOST_CHARACTERS = 40 * MOST_TOKENS
ROUNDING = 1e-4
"""How far the sum of the probabilities may exceed 1."""


@dataclass(frozen=True, slots=True)
class NextTokens:
    """The likeliest next tokens: ids and log-probabilities in nats, the likeliest first. Half a kilobyte for 64 tokens."""

    ids: array[int]
    logprobs: array[float]


_Ids = Annotated[list[Annotated[int, msgspec.Meta(ge=0, le=HIGHEST_ID)]], msgspec.Meta(min_length=1, max_length=MOST_TOKENS)]
_Logprobs = list[Annotated[float, msgspec.Meta(le=0)]]
_DECODER = msgspec.json.Decoder(tuple[_Ids, _Logprobs])


def read_next_tokens(name: str, text: str) -> NextTokens:
    """Return the tokens of a text of the metric `name`.

    Raises:
        RowError: It is not `[[ids], [log-probabilities]]` of 1 to 64 tokens, a token is twice in it, the log-probabilities do not fall or
            are above 0, or the probabilities have a sum above 1.
    """
    if len(text) > MOST_CHARACTERS:
        raise RowError(f"{name} has {len(text):,} characters, at most {MOST_CHARACTERS:,} can be of {MOST_TOKENS} tokens")
    try:
        ids, logprobs = _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise RowError(f"{name} is no list of tokens and log-probabilities: {one_line(error, 200)}") from error
    if len(ids) != len(logprobs):
        raise RowError(f"{name} has {len(ids)} tokens, but {len(logprobs)} log-probabilities")
    if len(set(ids)) < len(ids):
        raise RowError(f"{name} has a token twice")
    if logprobs != sorted(logprobs, reverse=True):
        raise RowError(f"the log-probabilities of {name} are not in falling order")
    total = math.fsum(map(math.exp, logprobs))
    if total > 1 + ROUNDING:
        raise RowError(f"the probabilities of {name} have a sum of {total:.6g}, which is above 1")
    return NextTokens(array("i", ids), array("f", logprobs))
