"""Scoring of all continuations of a context in one row: the context is prefilled once, only scored positions are projected to logits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import torch

from lm_eval_illusion.inference.batching import BatchLimits, batches
from lm_eval_illusion.inference.prefix_cache import PrefixCache, Prompt, padded, prefill
from lm_eval_illusion.inference.prefix_tree import PrefixBatch, packed_visibility
from lm_eval_illusion.inference.scoring import Continuation, ScoredContinuation, mid_ranks

# A row may have this many scored positions, or as many as its context has tokens if that is more.
POSITIONS_PER_ROW = 128


class PackedRow(NamedTuple):
    """A context and continuations of it in one row: the context's last token, then each continuation's tokens but the last."""

    context: Prompt
    continuations: tuple[tuple[int, ...], ...]

    @property
    def positions(self) -> int:
        """Scored positions; all continuations share the first, which predicts their first tokens."""
        return 1 + sum(len(tokens) - 1 for tokens in self.continuations)

    def model_input(self) -> tuple[list[int], list[int], list[int]]:
        """Return ids, branch numbers (see `packed_visibility`) and position ids of the row's tokens behind the prefilled ones."""
        ids, branches, positions = [self.context[-1]], [0], [len(self.context) - 1]
        for number, tokens in enumerate(self.continuations, 1):
            ids += tokens[:-1]
            branches += [number] * (len(tokens) - 1)
            positions += range(len(self.context), len(self.context) + len(tokens) - 1)
        return ids, branches, positions


def can_share(continuation: Continuation, max_length: int) -> bool:
    """Return whether `score_shared` should score a continuation: it is no longer than its context, both within `max_length` tokens."""
    context, tokens = len(continuation.context), len(continuation.continuation)
    return 0 < tokens <= context and context + tokens - 1 <= max_length


def score_shared(
    continuations: Iterable[Continuation],
    model: Any,
    *,
    limits: BatchLimits,
    prefix_cache: PrefixCache,
    softmax_dtype: torch.dtype,
    device: torch.device,
    progress: Callable[[int], object] = lambda _: None,
) -> dict[Continuation, ScoredContinuation]:
    """Score continuations that pass `can_share`; those of one context share its prefill, which `prefix_cache` keeps for generation.

    `progress` gets the number of continuations of each row. The caller sets inference mode and autocast.
    """
    scores: dict[Continuation, ScoredContinuation] = {}
    for batch in batches(_pack(continuations), lambda rows: _fits(rows, limits)):
        contexts = [packed.context for packed in batch]
        positions = max(packed.positions for packed in batch)
        cache = prefill(model, contexts, device, limits.prefill_tokens, prefix_cache, free_slots=positions)
        # Copy before the logits are allocated: later copies would lie in the memory that the logits free, and the process would grow.
        for row, context in enumerate(contexts):
            prefix_cache.keep(context, cache.states(row, len(context) - 1))
        scored = _score_batch(batch, PrefixBatch(model, contexts, cache, device), softmax_dtype)
        for packed, values in zip(batch, scored, strict=True):
            for tokens, value in zip(packed.continuations, values, strict=True):
                scores[Continuation(packed.context, tokens)] = value
            progress(len(packed.continuations))
    return scores


def _pack(continuations: Iterable[Continuation]) -> Iterator[PackedRow]:
    """Put continuations of a context into rows, the longest contexts first; a context with too many positions gets several rows."""
    by_context: dict[Prompt, list[tuple[int, ...]]] = defaultdict(list)
    for context, tokens in sorted(set(continuations)):
        by_context[context].append(tokens)
    for context in sorted(by_context, key=lambda context: (-len(context), context)):
        yield from _split_rows(context, by_context[context])


def _split_rows(context: Prompt, continuations: Sequence[tuple[int, ...]]) -> Iterator[PackedRow]:
    limit = max(len(context), POSITIONS_PER_ROW)
    for part in batches(continuations, lambda part: PackedRow(context, tuple(part)).positions <= limit):
        yield PackedRow(context, tuple(part))


def _fits(rows: Sequence[PackedRow], limits: BatchLimits) -> bool:
    """Return whether rows, the longest contexts first, are within the limits, padding included."""
    positions = max(packed.positions for packed in rows)
    return len(rows) * len(rows[0].context) <= limits.scoring_tokens and len(rows) * positions <= limits.logit_rows


def _score_batch(
    batch: Sequence[PackedRow], prompts: PrefixBatch, softmax_dtype: torch.dtype
) -> list[list[ScoredContinuation]]:
    """Return the scores of each row's continuations from one forward pass."""
    device = prompts.device
    ids, branches, positions = zip(*(packed.model_input() for packed in batch), strict=True)
    visible = packed_visibility(prompts, padded(branches, device, filling=-1))
    logits = prompts.forward(padded(ids, device), padded(positions, device), visible)
    # One copy from the device for the whole batch, after all rows are computed.
    scored = [_score_row(logits[row, : packed.positions], packed, softmax_dtype) for row, packed in enumerate(batch)]
    token_scores, ranks = (iter(torch.cat(parts).tolist()) for parts in zip(*scored, strict=True))
    return [[_collect(len(tokens), token_scores, ranks) for tokens in packed.continuations] for packed in batch]


def _score_row(logits: torch.Tensor, packed: PackedRow, softmax_dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Score the n tokens of a row's m continuations; `logits`: [positions, vocabulary].

    Returns [n, 2], log-probability and 1 or 0 for the greedy token; and [m] float32, the rank of each first token, 0 if it has none.
    """
    # The position that predicts each token: 0 for first tokens, then the continuation's own positions.
    predicted_at: list[int] = []
    next_position = 1
    for tokens in packed.continuations:
        predicted_at += [0, *range(next_position, next_position + len(tokens) - 1)]
        next_position += len(tokens) - 1
    position = torch.tensor(predicted_at, device=logits.device)
    token = torch.tensor([token for tokens in packed.continuations for token in tokens], device=logits.device)
    log_probability = torch.log_softmax(logits, dim=-1, dtype=softmax_dtype)[position, token]
    is_greedy = logits.argmax(dim=-1)[position] == token
    first_tokens = torch.tensor([tokens[0] for tokens in packed.continuations], device=logits.device)
    rank = mid_ranks(logits[0], first_tokens)
    return torch.stack([log_probability, is_greedy.to(log_probability.dtype)], dim=1), rank


def _collect(length: int, token_scores: Iterator[list[float]], ranks: Iterator[int]) -> ScoredContinuation:
    """Take the next continuation's `length` token scores and its rank."""
    scores = [next(token_scores) for _ in range(length)]
    return ScoredContinuation(sum(value for value, _ in scores), all(greedy for _, greedy in scores), next(ranks) or None)
