"""Scoring of continuations, one per row: log-likelihood, greediness, the answer's first token, and the likeliest next tokens."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import torch

from lm_eval_illusion.inference.batching import batches

TOP = 64
"""Next tokens that are kept of a distribution."""


class TopTokens(NamedTuple):
    """The likeliest next tokens, at most `TOP`, and their log-probabilities in nats; equal ones in the order of their ids."""

    ids: array[int]
    logprobs: array[float]


class ScoredContinuation(tuple[float, bool]):
    """lm_eval's `(log-likelihood, is_greedy)` with what the report reads of the answer's first token as attributes.

    The first token is the first one with visible text (`answer_start.blank_tokens`); the log-likelihood is that of all tokens.
    `first_token_rank`: its mid-rank, see `mid_ranks`; a whole rank is an int. `first_token_logprob`: its log-probability in nats.
    `answer_logprob`: the log-likelihood from it on. `top_tokens`: of the distribution at the end of the prompt, where generation starts.
    Each is None where it is unknown or not finite.
    """

    first_token_rank: float | None
    first_token_logprob: float | None
    answer_logprob: float | None
    top_tokens: TopTokens | None

    def __new__(
        cls,
        loglikelihood: float,
        is_greedy: bool,
        first_token_rank: float | None,
        first_token_logprob: float | None = None,
        answer_logprob: float | None = None,
        top_tokens: TopTokens | None = None,
    ) -> ScoredContinuation:
        """Make a tuple of two values, the form that lm_eval's code expects."""
        scored = super().__new__(cls, (loglikelihood, is_greedy))
        is_whole = first_token_rank is not None and float(first_token_rank).is_integer()
        scored.first_token_rank = int(first_token_rank) if is_whole else first_token_rank  # type: ignore[arg-type]
        scored.first_token_logprob = _finite(first_token_logprob)
        scored.answer_logprob = _finite(answer_logprob)
        scored.top_tokens = top_tokens
        return scored

    def __getnewargs__(self) -> tuple[float, bool, float | None, float | None, float | None, TopTokens | None]:
        """Return the arguments of `__new__` for pickle: lm_eval gathers the scores of all processes."""
        return (*self, self.first_token_rank, self.first_token_logprob, self.answer_logprob, self.top_tokens)

    def with_total(self, total: tuple[float, bool]) -> ScoredContinuation:
        """Return the same first token with another log-likelihood and greediness."""
        rank, logprob, answer_logprob = self.first_token_rank, self.first_token_logprob, self.answer_logprob
        return ScoredContinuation(*total, rank, logprob, answer_logprob, self.top_tokens)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def mid_ranks(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Return the rank of each token by its logit: 1 + the tokens with a greater logit + half of the other tokens with an equal one.

    The mid-rank does not favour a model whose logits tie often, as they do in bfloat16. `logits`: [vocabulary] for all tokens, or
    [n, vocabulary]; `tokens`: [n] int64. Returns [n] float32, exact for vocabularies below 2^23; 0 where the token's logit is not finite
    or any logit is NaN.
    """
    rows = logits.expand(len(tokens), -1)
    scored = rows.gather(1, tokens[:, None])
    greater = (rows > scored).sum(dim=1)
    equal = (rows == scored).sum(dim=1)
    ranks = 1 + greater + (equal - 1).float() / 2
    return ranks.where(torch.isfinite(scored[:, 0]) & ~rows.isnan().any(dim=1), 0.0)


def top_tokens(log_probabilities: torch.Tensor) -> list[TopTokens | None]:
    """Return the likeliest tokens of each row [n, vocabulary]; None for a row with a NaN."""
    # topk takes NaN for the greatest value.
    values, ids = log_probabilities.topk(min(TOP, log_probabilities.shape[-1]), dim=-1)
    return [likeliest(tokens, logprobs) for tokens, logprobs in zip(ids.tolist(), values.tolist(), strict=True)]


def likeliest(tokens: Iterable[int], logprobs: Collection[float]) -> TopTokens | None:
    """Return the likeliest of these tokens, without those of probability 0; None if a log-probability is NaN."""
    if any(map(math.isnan, logprobs)):
        return None
    pairs = sorted((-logprob, token) for token, logprob in zip(tokens, logprobs, strict=True) if logprob != -math.inf)[:TOP]
    return TopTokens(array("q", [token for _, token in pairs]), array("f", [-negative for negative, _ in pairs]))


class Continuation(NamedTuple):
    """Token ids of a context and of the continuation to score after it.

    `blank`: leading tokens of the continuation without visible text. `in_prompt`: leading tokens that belong to the prompt. Both are
    less than its length.
    """

    context: tuple[int, ...]
    continuation: tuple[int, ...]
    blank: int = 0
    in_prompt: int = 0

    def window(self, max_length: int) -> list[int]:
        """Return the model's input: all but the last token, cut from the left to `max_length` as HFLM does."""
        return [*self.context, *self.continuation][-(max_length + 1) : -1]

    def cut(self, max_length: int) -> Continuation:
        """Remove the context's tokens that `window` leaves out."""
        context_length = max(0, max_length + 1 - len(self.continuation))
        return self._replace(context=self.context[max(0, len(self.context) - context_length) :])


def score_continuations(
    continuations: Sequence[Continuation],
    forward: Callable[[torch.Tensor], torch.Tensor],
    *,
    max_length: int,
    rows: int,
    softmax_dtype: torch.dtype,
    device: torch.device,
    max_batched_length: int | None = None,
    progress: Callable[[int], object] = lambda _: None,
) -> list[ScoredContinuation]:
    """Score continuations; return the scores in the same order. Equal continuations are computed once.

    `forward`: ids [B, L] int64 -> logits [B, L, vocabulary]. Batches of at most `rows` hold sequences of similar length, padded on the
    right, where a causal model does not see the padding. `max_length`: the model's window in tokens. `max_batched_length`: longer sequences
    run alone; None for no limit. `progress` gets the number of continuations of each batch.
    """
    scores: dict[Continuation, ScoredContinuation] = {}
    by_length = sorted(set(continuations), key=lambda entry: (-len(entry.context) - len(entry.continuation), entry))

    def fits(batch: Sequence[Continuation]) -> bool:
        longest = len(batch[0].window(max_length))
        return len(batch) <= rows and (max_batched_length is None or longest <= max_batched_length)

    for batch in batches(by_length, fits):
        scores.update(zip(batch, _score_batch(batch, forward, max_length, softmax_dtype, device), strict=True))
        progress(len(batch))
    return [scores[continuation] for continuation in continuations]


def _score_batch(
    batch: Sequence[Continuation],
    forward: Callable[[torch.Tensor], torch.Tensor],
    max_length: int,
    softmax_dtype: torch.dtype,
    device: torch.device,
) -> Iterator[ScoredContinuation]:
    windows = [continuation.window(max_length) for continuation in batch]
    ids = torch.zeros(len(batch), max(map(len, windows)), dtype=torch.long, device=device)
    for row, window in enumerate(windows):
        ids[row, : len(window)] = torch.tensor(window, device=device)
    logits = forward(ids)
    for row, (continuation, window) in enumerate(zip(batch, windows, strict=True)):
        # The logits at a position are those of the next token, so the last len(tokens) positions score the continuation.
        start = len(window) - len(continuation.continuation)
        yield _score(logits[row, start : len(window)], continuation, softmax_dtype)


def _score(logits: torch.Tensor, continuation: Continuation, softmax_dtype: torch.dtype) -> ScoredContinuation:
    """Score one continuation; `logits`: [its tokens, vocabulary]."""
    tokens, blank, in_prompt = torch.tensor(continuation.continuation, device=logits.device), *continuation[2:]
    log_probabilities = torch.log_softmax(logits, dim=-1, dtype=softmax_dtype)
    of_tokens = log_probabilities.gather(1, tokens[:, None])[:, 0]
    is_greedy = bool((logits.argmax(dim=-1) == tokens).all())
    return ScoredContinuation(
        float(of_tokens.sum()),
        is_greedy,
        float(mid_ranks(logits[blank], tokens[blank : blank + 1])) or None,
        float(of_tokens[blank]),
        float(of_tokens[blank:].sum()),
        top_tokens(log_probabilities[in_prompt : in_prompt + 1])[0],
    )
