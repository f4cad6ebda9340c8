"""Are the scores of a server right? A check with a few prompts, before the scores of items are asked for.

Whatever the model is, also a damaged one, the following holds: the log-probability of a token that the server generates is the one that
it gives to this token in a prompt; tokens before a place do not depend on those after it; the same request has the same scores; log-
probabilities are finite and at most 0; the tokens of a prompt make up its text. So no assumption on what a model knows is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

PROMPTS = (
    "The",
    "one two three four one two three four one two three four one two",
    "Monday Tuesday Wednesday Thursday Friday Saturday",
    "Question: What is the capital of France?\nAnswer:",
    "A B C D E F G A B C D E F G A B C",
)
TOLERANCE = 0.3
"""Nats. A prompt is calculated in another order than a generated token: float16 and quantised models differ by some hundredths."""
CANDIDATES = 5
"""Log-probabilities asked for at a generated token: the most that OpenAI's completions give."""
_ABOVE_ZERO = 1e-3
"""Nats by which rounding may lift a log-probability above 0."""


class ScoresError(ValueError):
    """A server can't score, or not so. The message goes on after the name of the server: "returns no ..."."""


class Scores(NamedTuple):
    """What a server tells of the tokens of a prompt. `logprobs`: None at the first. `top`: the greatest one at each place, if it is told.

    `texts`: of the tokens; empty if they are not told.
    """

    logprobs: tuple[float | None, ...]
    top: tuple[float | None, ...]
    texts: tuple[str, ...]


def read_scores(output: Mapping[str, Any], length: int) -> Scores:
    """Read the scores of a prompt of `length` tokens from the answer to a request with `echo`.

    Raises:
        ScoresError: They are missing, or are not those of so many tokens.
    """
    found = output["choices"][0].get("logprobs")
    logprobs = found.get("token_logprobs") if isinstance(found, dict) else None
    if not isinstance(logprobs, list):
        raise ScoresError("returns no log-probabilities of the prompt, because it does not know the setting echo")
    # One token is generated; a server may leave out an end token.
    if len(logprobs) not in (length, length + 1):
        raise ScoresError(f"returns {len(logprobs)} log-probabilities for a prompt of {length} tokens and one more")
    top = [max(tops.values()) if isinstance(tops, dict) and tops else None for tops in found.get("top_logprobs") or []]
    texts = [str(text) for text in found.get("tokens") or []]
    return Scores(tuple(logprobs[:length]), tuple(top[:length]), tuple(texts[:length]))


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


def problem_of_scores(
    score: Callable[[Sequence[int]], Scores],
    next_tokens: Callable[[Sequence[int]], Mapping[str, float]],
    encode: Callable[[str], list[int]],
) -> str | None:
    """Return what is wrong with the scores of a server, None if nothing is.

    `score`: asks for the scores of a prompt. `next_tokens`: asks for the likeliest tokens after a prompt as the server generates them,
    text -> log-probability in nats; empty if it does not tell. `encode`: the tokens of a text.
    """
    compared = 0
    for prompt in PROMPTS:
        ids = encode(prompt)
        try:
            candidates = next_tokens(ids)
            tokens = {text: encode(prompt + text)[len(ids) :] for text in candidates}
            # A special token, or one that the text does not give back, can't be put into a prompt.
            usable = {
                text: ids + new for text, new in tokens.items() if len(new) == 1 and encode(prompt + text)[: len(ids)] == ids
            }
            if not usable:
                score(ids)
                continue
            found = {text: score(whole) for text, whole in usable.items()}
            again = score(next(iter(usable.values())))
        except ScoresError as error:
            return str(error)
        problem = _problem_of_prompt(prompt, len(ids), candidates, found, again)
        if problem is not None:
            return problem
        compared += 1
    if not compared:
        return "generates no token with a log-probability that its scores could be compared with"
    return None


def _problem_of_prompt(
    prompt: str, length: int, candidates: Mapping[str, float], found: Mapping[str, Scores], again: Scores
) -> str | None:
    """Return what is wrong with the scores of one prompt with each of several tokens after it. `again`: of the first of them, once more."""
    first = next(iter(found.values()))
    for text, scores in found.items():
        wrong = [logprob for logprob in scores.logprobs[1:] if not _is_logprob(logprob)]
        if wrong:
            return f"returns {wrong[0]} as a log-probability of {prompt + text!r}"
        if scores.texts and not _make_up(scores.texts, prompt + text):
            return f"returns the tokens {list(scores.texts)!r} for the prompt {prompt + text!r}"
        generated, scored = candidates[text], float(scores.logprobs[length] or 0)
        if abs(generated - scored) > TOLERANCE:
            return (
                f"gives {text!r} after {prompt!r} the log-probability {generated:.2f} when it generates, and {scored:.2f} in a prompt:"
                " its scores are those of other tokens"
            )
        if not _are_equal(scores.logprobs[1:length], first.logprobs[1:length]):
            return f"gives the tokens of {prompt!r} other log-probabilities when another token follows"
    if not _are_equal(first.logprobs[1:], again.logprobs[1:]):
        return f"gives other log-probabilities when it is asked for {prompt!r} again"
    return None


def _make_up(tokens: Sequence[str], text: str) -> bool:
    """Return whether tokens make up a text, without regard to spaces. Before it, a first token such as `<s>` may stand."""
    first, whole = ("".join("".join(part).split()) for part in (tokens[:1], tokens))
    expected = "".join(text.split())
    return whole in (expected, first + expected)


def _is_logprob(value: float | None) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value <= _ABOVE_ZERO


def _are_equal(some: Sequence[float | None], others: Sequence[float | None]) -> bool:
    return all(abs(float(one or 0) - float(other or 0)) <= TOLERANCE for one, other in zip(some, others, strict=True))
