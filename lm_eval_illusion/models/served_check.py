"""Are the scores of a server right? A check with a few prompts, before the scores of items are asked for.

Whatever the model is, also a damaged one, the following holds: the log-probability of a token that the server may generate is the one that
it gives to this token in a prompt; the token that it generates greedily is the likeliest; tokens before a place do not depend on those
after it, nor on how many there are; the same request has the same scores; log-probabilities are finite, at most 0 and not rounded; the
tokens of a prompt make up its text. So no assumption on what a model knows is needed.

What can't be seen from outside: one temperature in all log-probabilities alike, or logarithms to a base smaller than e. It is another
model's distribution, and the order of the single tokens is the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lm_eval_illusion.models.served_scores import NextToken, Scores, ScoresError
from lm_eval_illusion.models.served_tokens import number_of, text_of, visible

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
FEWEST_DIGITS = 3
"""Decimal digits of a log-probability. With two, options of almost equal likelihood have equal scores, and none is the best."""
_MOST_ABOVE_ONE = 0.02
"""By which the sum of rounded probabilities may exceed 1."""
_ABOVE_ZERO = 1e-3
"""Nats by which rounding may lift a log-probability above 0."""
_FEWEST_VALUES = 20
"""Log-probabilities from which their digits are judged."""


@dataclass(frozen=True)
class ScoringServer:
    """The requests of the check. `score`, `next_token`: ask for a prompt of tokens. `encode`: the tokens of a text.

    `vocabulary`: the tokenizer's, piece -> number.
    """

    score: Callable[[Sequence[int]], Scores]
    next_token: Callable[[Sequence[int]], NextToken]
    encode: Callable[[str], list[int]]
    vocabulary: Mapping[str, int]


def problem_of_scores(server: ScoringServer) -> str | None:
    """Return what is wrong with the scores of a server, None if nothing is."""
    pieces = {number: piece for piece, number in server.vocabulary.items()}
    compared = 0
    values: list[float] = []
    for prompt in PROMPTS:
        ids = server.encode(prompt)
        try:
            following = server.next_token(ids)
            candidates = {text_of(name, pieces): logprob for name, logprob in following.logprobs.items()}
            usable = _usable(server, prompt, ids, following.logprobs, pieces)
            if not usable:
                server.score(ids)
                continue
            found = {text: server.score(whole) for text, whole in usable.items()}
            again = server.score(next(iter(usable.values())))
            start = _first_half(prompt)
            part = server.encode(start)
            alone = server.score(part) if len(part) < len(ids) and part == ids[: len(part)] else None
        except ScoresError as error:
            return str(error)
        problem = (
            _problem_of_sum(prompt, candidates)
            or _problem_of_greedy(prompt, candidates, following.greedy)
            or _problem_of_prompt(prompt, len(ids), candidates, found, pieces)
            or _problem_of_others(prompt, start, next(iter(found.values())), again, alone)
        )
        if problem is not None:
            return problem
        values += [logprob for scores in found.values() for logprob in scores.logprobs[1:] if logprob]
        compared += 1
    if not compared:
        return "generates no token with a log-probability that its scores could be compared with"
    if len(values) >= _FEWEST_VALUES and _are_rounded(values):
        return f"rounds log-probabilities to fewer than {FEWEST_DIGITS} digits: options of almost equal likelihood have equal scores"
    return None


def _usable(
    server: ScoringServer, prompt: str, ids: list[int], names: Iterable[str], pieces: Mapping[int, str]
) -> dict[str, list[int]]:
    """Return the text of each next token -> the tokens of the prompt with it.

    One whose text, after the prompt, is not one more token is left out: it can't be put into a prompt as text.
    """
    usable = {}
    for name in names:
        text = text_of(name, pieces)
        whole = server.encode(prompt + text)
        number = number_of(name, server.vocabulary)
        if whole[: len(ids)] == ids and len(whole) == len(ids) + 1:
            usable[text] = whole
        elif number is not None and name != text:
            # A piece that is no whole character has no text of its own.
            usable[text] = [*ids, number]
    return usable


def _first_half(prompt: str) -> str:
    words = prompt.split(" ")
    return " ".join(words[: (len(words) + 1) // 2])


def _problem_of_sum(prompt: str, candidates: Mapping[str, float]) -> str | None:
    """Return what is wrong if several tokens are together more than certain: logarithms of another base, or not of probabilities."""
    total = sum(math.exp(min(logprob, 1.0)) for logprob in candidates.values())
    if total <= 1 + _MOST_ABOVE_ONE:
        return None
    return (
        f"gives the {len(candidates)} likeliest tokens after {prompt!r} probabilities of {total:.2f} together: its log-probabilities are no"
        " natural logarithms of probabilities"
    )


def _problem_of_greedy(prompt: str, candidates: Mapping[str, float], greedy: str) -> str | None:
    """Return what is wrong if the server generates greedily something else than the token that it calls the likeliest."""
    text = visible(greedy)
    if not text.isascii() or not text or len(candidates) < 2:
        return None
    told = [logprob for candidate, logprob in candidates.items() if visible(candidate) == text]
    best = max(candidates, key=lambda candidate: candidates[candidate])
    if max(told, default=-math.inf) >= candidates[best] - TOLERANCE:
        return None
    return (
        f"generates {greedy!r} after {prompt!r} at temperature 0, and calls {best!r} the likeliest: its log-probabilities are not those"
        " of the model that answers"
    )


def _problem_of_prompt(
    prompt: str, length: int, candidates: Mapping[str, float], found: Mapping[str, Scores], pieces: Mapping[int, str]
) -> str | None:
    """Return what is wrong with the scores of one prompt with each of several tokens after it."""
    first = next(iter(found.values()))
    for text, scores in found.items():
        wrong = [logprob for logprob in scores.logprobs[1:] if not _is_logprob(logprob)]
        if wrong:
            return f"returns {wrong[0]} as a log-probability of {prompt + text!r}"
        if scores.texts and not _make_up([text_of(name, pieces) for name in scores.texts], prompt + text):
            return f"returns the tokens {list(scores.texts)!r} for the prompt {prompt + text!r}"
        generated, scored = candidates[text], float(scores.logprobs[length] or 0)
        if abs(generated - scored) > TOLERANCE:
            return (
                f"gives {text!r} after {prompt!r} the log-probability {generated:.2f} when it generates, and {scored:.2f} in a prompt:"
                " its scores are those of other tokens or of another temperature"
            )
        if not _are_equal(scores.logprobs[1:length], first.logprobs[1:length]):
            return f"gives the tokens of {prompt!r} other log-probabilities when another token follows"
    return None


def _problem_of_others(prompt: str, start: str, first: Scores, again: Scores, alone: Scores | None) -> str | None:
    """Return what is wrong if a prompt asked for again, or its beginning asked for alone, has other scores."""
    if not _are_equal(first.logprobs[1:], again.logprobs[1:]):
        return f"gives other log-probabilities when it is asked for {prompt!r} again"
    if alone is not None and not _are_equal(alone.logprobs[1:], first.logprobs[1 : len(alone.logprobs)]):
        return f"gives the tokens of {start!r} other log-probabilities when {prompt.removeprefix(start).strip()!r} follows"
    return None


def _make_up(texts: Sequence[str], whole: str) -> bool:
    """Return whether the texts of tokens make up a text, without regard to spaces. Before it, a first token such as `<s>` may stand."""
    first, joined, expected = visible(texts[0]), visible("".join(texts)), visible(whole)
    return joined in (expected, first + expected)


def _are_rounded(values: Iterable[float]) -> bool:
    return all(round(value, FEWEST_DIGITS - 1) == value for value in values)


def _is_logprob(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and value <= _ABOVE_ZERO


def _are_equal(some: Sequence[float | None], others: Sequence[float | None]) -> bool:
    return len(some) == len(others) and all(
        abs(float(one or 0) - float(other or 0)) <= TOLERANCE for one, other in zip(some, others, strict=True)
    )
