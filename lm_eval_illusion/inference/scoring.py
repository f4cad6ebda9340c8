"""Scoring continuations: log-likelihood, greediness, and the rank of the first token."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch


class ScoredContinuation(tuple[float, bool]):
    """lm_eval's `(log-likelihood, is_greedy)`, which also carries the rank of the continuation's first token.

    `first_token_rank`: 1 + the number of vocabulary entries with a strictly greater logit after the context; None where the logit
    is not finite.
    """

    first_token_rank: int | None

    def __new__(cls, loglikelihood: float, is_greedy: bool, first_token_rank: int | None) -> ScoredContinuation:
        """A tuple of two, so that everything that reads lm_eval's results reads it."""
        scored = super().__new__(cls, (loglikelihood, is_greedy))
        scored.first_token_rank = first_token_rank
        return scored


class Continuation(NamedTuple):
    """Token ids of a context and of what is scored after it."""

    context: tuple[int, ...]
    continuation: tuple[int, ...]

    def window(self, max_length: int) -> list[int]:
        """The model's input: all but the last token, cut from the left to `max_length` as HFLM does."""
        return [*self.context, *self.continuation][-(max_length + 1) : -1]

    def cut(self, max_length: int) -> Continuation:
        """The same without the context's tokens that the window leaves out."""
        kept = max(0, max_length + 1 - len(self.continuation))
        return Continuation(self.context[max(0, len(self.context) - kept) :], self.continuation)


def score_continuations(
    wanted: Sequence[Continuation],
    forward: Callable[[torch.Tensor], torch.Tensor],
    *,
    max_length: int,
    rows: int,
    softmax_dtype: torch.dtype,
    device: torch.device,
    progress: Callable[[int], object] = lambda _: None,
) -> list[ScoredContinuation]:
    """Score continuations in their order; equal ones are computed once.

    `forward`: ids [B, L] -> logits [B, L, vocabulary]. Batches of at most `rows` hold sequences of like length, padded on the right, where
    a causal model does not see the padding.
    """
    scores: dict[Continuation, ScoredContinuation] = {}
    by_length = sorted(set(wanted), key=lambda one: (-len(one.context) - len(one.continuation), one))
    for start in range(0, len(by_length), rows):
        batch = by_length[start : start + rows]
        scores.update(zip(batch, _score_batch(batch, forward, max_length, softmax_dtype, device), strict=True))
        progress(len(batch))
    return [scores[one] for one in wanted]


def _score_batch(
    batch: Sequence[Continuation],
    forward: Callable[[torch.Tensor], torch.Tensor],
    max_length: int,
    softmax_dtype: torch.dtype,
    device: torch.device,
) -> Iterator[ScoredContinuation]:
    windows = [one.window(max_length) for one in batch]
    ids = torch.zeros(len(batch), max(map(len, windows)), dtype=torch.long, device=device)
    for row, window in enumerate(windows):
        ids[row, : len(window)] = torch.tensor(window, device=device)
    logits = forward(ids)
    for row, (one, window) in enumerate(zip(batch, windows, strict=True)):
        # The logits at a position are those of the next token, so the last len(continuation) positions score it.
        yield _score(logits[row, len(window) - len(one.continuation) : len(window)], one.continuation, softmax_dtype)


def _score(logits: torch.Tensor, continuation: Sequence[int], softmax_dtype: torch.dtype) -> ScoredContinuation:
    """`logits`: [len(continuation), vocabulary]."""
    tokens = torch.tensor(continuation, device=logits.device)
    log_probabilities = torch.log_softmax(logits, dim=-1, dtype=softmax_dtype).gather(1, tokens[:, None])
    is_greedy = bool((logits.argmax(dim=-1) == tokens).all())
    first = logits[0]
    mine = first[tokens[0]]
    rank = 1 + int((first > mine).sum()) if bool(torch.isfinite(mine)) and not bool(first.isnan().any()) else None
    return ScoredContinuation(float(log_probabilities.sum()), is_greedy, rank)
