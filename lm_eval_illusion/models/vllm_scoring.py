"""Scores of continuations from vLLM's log-probabilities of prompts, where vLLM may read the start of a prompt from its cache.

vLLM computes no log-probabilities for tokens that it reads from its cache; their places hold whatever was in memory. A score reads only
the places of its continuation. vLLM caches whole blocks, at most all tokens but the last, so that a long continuation which another
request also had may be read from the cache in part: `is_computed` tells that apart, and such a prompt is asked for again without the
cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.inference.answer_start import blank_tokens
from lm_eval_illusion.models.top_tokens import RankedToken

PROMPT_SCORES: dict[str, Any] = {"temperature": 0, "prompt_logprobs": 1, "max_tokens": 1, "detokenize": False}
"""vLLM's settings for a prompt whose tokens are scored: the log-probability of each token and of the likeliest one in its place."""


class Window(NamedTuple):
    """The tokens that vLLM scores, and where the continuation begins among them; 1 or more."""

    tokens: tuple[int, ...]
    start: int


class PromptScore(NamedTuple):
    """The score of a continuation, in nats.

    The first two fields are lm_eval's. `first_token`: the first visible token with vLLM's rank; None where its log-probability is not
    finite. `first_token_logprob`: its log-probability. `answer_logprob`: the log-likelihood from it on. `tokens`: all that vLLM got.
    """

    loglikelihood: float
    is_greedy: bool
    first_token: RankedToken | None
    first_token_logprob: float
    answer_logprob: float
    tokens: tuple[int, ...]


def scoring_window(context: Sequence[int], continuation: Sequence[int], max_length: int) -> Window:
    """Cut the context from the left, so that vLLM can generate the one token that it wants to generate.

    Raises:
        UserError: The continuation alone is as long as the model's window.
    """
    longest = max_length - 1
    tokens = (*context, *continuation)[-longest:]
    start = len(tokens) - len(continuation)
    if start < 1:
        raise UserError(
            f"an answer to be scored has {len(continuation)} tokens, of the model's window of {max_length} it can have {longest - 1}:"
            " use another model, or give a larger max_model_len"
        )
    return Window(tokens, start)


def batches_by_context(windows: Sequence[Window], size: int | None) -> Iterator[list[Window]]:
    """Yield each distinct window once, the long contexts first and those of one context next to each other, in batches of `size`."""
    ordered = sorted(set(windows), key=lambda window: (-window.start, window.tokens))
    size = size or len(ordered) or 1
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


def is_computed(window: Window, output: Any) -> bool:
    """Return whether vLLM computed the log-probabilities of the whole continuation; not known of an old version is no."""
    cached = getattr(output, "num_cached_tokens", None)
    return cached is not None and cached < window.start


def prompt_score(window: Window, output: Any, decode: Callable[[list[int]], str]) -> PromptScore:
    """Return the score of a window from vLLM's output for it. `decode`: ids -> text, special tokens included."""
    tokens, start = window
    places = range(start, len(tokens))
    entries = [(output.prompt_logprobs[place] or {}) for place in places]
    logprobs = [_logprob(entry.get(tokens[place])) for place, entry in zip(places, entries, strict=True)]
    # Of equal log-probabilities the token's own counts as the greatest, as in lm_eval.
    is_greedy = all(
        tokens[place] in entry and _logprob(entry[tokens[place]]) >= max(map(_logprob, entry.values()))
        for place, entry in zip(places, entries, strict=True)
    )
    blank = blank_tokens(tokens[start:], decode)
    first = start + blank
    rank = _rank(entries[blank].get(tokens[first]))
    return PromptScore(
        sum(logprobs),
        is_greedy,
        RankedToken(tokens[:first], tokens[first], rank) if rank is not None else None,
        logprobs[blank],
        sum(logprobs[blank:]),
        tokens,
    )


def _logprob(entry: Any) -> float:
    return math.nan if entry is None else float(getattr(entry, "logprob", entry))


def _rank(entry: Any) -> int | None:
    """Return vLLM's rank of a token: 1 for the first of its list, else the number of tokens that are as likely or likelier."""
    rank = getattr(entry, "rank", None)
    return int(rank) if rank is not None and rank >= 1 and math.isfinite(entry.logprob) else None
