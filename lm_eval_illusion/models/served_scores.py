"""Log-probabilities as servers tell them, in the answers to requests for scores and for a next token."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

_WITHOUT_ECHO = "because it does not know the setting echo"


class ScoresError(ValueError):
    """A server can't score, or not so. The message goes on after the name of the server: "returns no ..."."""


class Scores(NamedTuple):
    """What a server tells of the tokens of a prompt. `logprobs`: None at the first. `top`: the greatest one at each place, if it is told.

    `texts`: of the tokens, as the server names them; empty if they are not told.
    """

    logprobs: tuple[float | None, ...]
    top: tuple[float | None, ...]
    texts: tuple[str, ...]


class NextToken(NamedTuple):
    """What a server tells of the token after a prompt. `logprobs`: of the likeliest, name -> nats. `greedy`: the text that it generates."""

    logprobs: Mapping[str, float]
    greedy: str


def read_scores(output: Mapping[str, Any], length: int) -> Scores:
    """Read the scores of a prompt of `length` tokens from the answer to a request with `echo`.

    Raises:
        ScoresError: They are missing, or are not those of so many tokens.
    """
    found = output["choices"][0].get("logprobs")
    logprobs = found.get("token_logprobs") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(logprobs, list):
        alone = "but top_logprobs alone" if isinstance(found, dict) and found.get("top_logprobs") else _WITHOUT_ECHO
        raise ScoresError(f"returns no log-probabilities of the prompt, {alone}")
    if len(logprobs) == 1 < length:
        raise ScoresError(f"returns no log-probabilities of the prompt, but of the generated token, {_WITHOUT_ECHO}")
    # One token is generated; a server may leave out an end token.
    if len(logprobs) not in (length, length + 1):
        raise ScoresError(f"returns {len(logprobs)} log-probabilities for a prompt of {length} tokens and one more")
    for logprob in logprobs[1:length]:
        if logprob is not None and not is_number(logprob):
            raise ScoresError(f"returns {logprob!r} as a log-probability")
    tops = found.get("top_logprobs")
    top = [_greatest(one) for one in tops] if isinstance(tops, list) else []
    texts = found.get("tokens")
    names = [str(text) for text in texts] if isinstance(texts, list) else []
    return Scores(tuple(logprobs[:length]), tuple(top[:length]), tuple(names[:length]))


def read_next_logprobs(output: Mapping[str, Any]) -> dict[str, float]:
    """Read the log-probabilities of the likeliest next tokens, name -> nats; of the generated one where no others are told, or none."""
    found = output["choices"][0].get("logprobs")
    if not isinstance(found, dict):
        return {}
    tops = found.get("top_logprobs")
    if isinstance(tops, list) and tops and isinstance(tops[0], dict) and tops[0]:
        told = tops[0]
    else:
        names, values = found.get("tokens"), found.get("token_logprobs")
        told = {names[0]: values[0]} if isinstance(names, list) and isinstance(values, list) and names and values else {}
    return {str(name): float(value) for name, value in told.items() if is_number(value) and math.isfinite(value)}


def score_of(scores: Scores, start: int) -> tuple[float, bool]:
    """Return the log-likelihood in nats of the tokens from `start` on, and whether each of them is the likeliest at its place.

    A log-probability that the server does not tell, null, makes it NaN: an invalid item.
    """
    logprobs = [math.nan if logprob is None else float(logprob) for logprob in scores.logprobs[start:]]
    tops = scores.top[start:]
    is_greedy = len(tops) == len(logprobs) and all(
        top is not None and logprob >= top for logprob, top in zip(logprobs, tops, strict=True)
    )
    return sum(logprobs), is_greedy


def is_number(value: object) -> bool:
    """Return whether a value of a server's answer is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _greatest(tops: Any) -> float | None:
    values = [value for value in tops.values() if is_number(value)] if isinstance(tops, dict) else []
    return max(values, default=None)
