"""Scoring of continuations, one per row: log-likelihood, greediness, and the rank of the first token."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch

from lm_eval_illusion.inference.batching import batches


class ScoredContinuation(tuple[float, bool]):
    """lm_eval's `(log-likelihood, is_greedy)` with the rank of the continuation's first token as an attribute.

    `first_token_rank`: the mid-rank, see `mid_ranks`; a whole rank is an int. None where the logit is not finite.
    """

    first_token_rank: float | None

    def __new__(cls, loglikelihood: float, is_greedy: bool, first_token_rank: float | None) -> ScoredContinuation:
        """Make a tuple of two values, the form that lm_eval's code expects."""
        scored = super().__new__(cls, (loglikelihood, is_greedy))
        is_whole = first_token_rank is not None and float(first_token_rank).is_integer()
        scored.first_token_rank = int(first_token_rank) if is_whole else first_token_rank  # type: ignore[arg-type]
        return scored


def mid_ranks(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Return the rank of each token by its logit: 1 + the tokens with a greater logit + half of the other tokens with an equal one.

    The mid-rank does not favour a model whose logits tie often, as they do in bfloat16. `logits`: [vocabulary]; `tokens`: [n] int64.
    Returns [n] float32, exact for vocabularies below 2^23; 0 where the token's logit is not finite or any logit is NaN.
    """
    scored = logits[tokens]
    greater = (logits > scored[:, None]).sum(dim=1)
    equal = (logits == scored[:, None]).sum(dim=1)
    ranks = 1 + greater + (equal - 1).float() / 2
    return ranks.where(torch.isfinite(scored) & ~logits.isnan().any(), 0.0)


class Continuation(NamedTuple):
    """Token ids of a context and of the continuation to score after it."""

    context: tuple[int, ...]
    continuation: tuple[int, ...]

    def window(self, max_length: int) -> list[int]:
        """Return the model's input: all but the last token, cut from the left to `max_length` as HFLM does."""
        return [*self.context, *self.continuation][-(max_length + 1) : -1]

    def cut(self, max_length: int) -> Continuation:
        """Remove the context's tokens that `window` leaves out."""
        context_length = max(0, max_length + 1 - len(self.continuation))
        return Continuation(self.context[max(0, len(self.context) - context_length) :], self.continuation)


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
    for row, ((_, tokens), window) in enumerate(zip(batch, windows, strict=True)):
        # The logits at a position are those of the next token, so the last len(tokens) positions score the continuation.
        yield _score(logits[row, len(window) - len(tokens) : len(window)], tokens, softmax_dtype)


def _score(logits: torch.Tensor, tokens: Sequence[int], softmax_dtype: torch.dtype) -> ScoredContinuation:
    """Score one continuation; `logits`: [len(tokens), vocabulary]."""
    token = torch.tensor(tokens, device=logits.device)
    log_probabilities = torch.log_softmax(logits, dim=-1, dtype=softmax_dtype).gather(1, token[:, None])
    is_greedy = bool((logits.argmax(dim=-1) == token).all())
    rank = float(mid_ranks(logits[0], token[:1])) or None
    return ScoredContinuation(float(log_probabilities.sum()), is_greedy, rank)
