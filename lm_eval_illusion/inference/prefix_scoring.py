"""Scoring of all continuations of a context in one row: the context is prefilled once, only scored positions are projected to logits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import torch

from lm_eval_illusion.inference.batching import BatchLimits, batches
from lm_eval_illusion.inference.prefix_cache import PrefixCache, Prompt, padded, prefill
from lm_eval_illusion.inference.prefix_tree import PrefixBatch, packed_visibility
from lm_eval_illusion.inference.scoring import Continuation, ScoredContinuation, TopTokens, mid_ranks, top_tokens

# A row may have this many scored positions, or as many as its context has tokens if that is more.
POSITIONS_PER_ROW = 128


class PackedRow(NamedTuple):
    """A context and continuations of it in one row: the context's last token, then each continuation's tokens but the last."""

    context: Prompt
    continuations: tuple[Continuation, ...]

    @property
    def positions(self) -> int:
        """Scored positions; all continuations share the first, which predicts their first tokens."""
        return 1 + sum(len(tokens) - 1 for _, tokens, *_ in self.continuations)

    def predicting(self) -> list[list[int]]:
        """Return for each continuation the positions that predict its tokens: 0 for the first token, then its own positions."""
        found: list[list[int]] = []
        next_position = 1
        for _, tokens, *_ in self.continuations:
            found.append([0, *range(next_position, next_position + len(tokens) - 1)])
            next_position += len(tokens) - 1
        return found

    def model_input(self) -> tuple[list[int], list[int], list[int]]:
        """Return ids, branch numbers (see `packed_visibility`) and position ids of the row's tokens behind the prefilled ones."""
        ids, branches, positions = [self.context[-1]], [0], [len(self.context) - 1]
        for number, (_, tokens, *_) in enumerate(self.continuations, 1):
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
            scores.update(zip(packed.continuations, values, strict=True))
            progress(len(packed.continuations))
    return scores


def _pack(continuations: Iterable[Continuation]) -> Iterator[PackedRow]:
    """Put continuations of a context into rows, the longest contexts first; a context with too many positions gets several rows."""
    by_context: dict[Prompt, list[Continuation]] = defaultdict(list)
    for continuation in sorted(set(continuations)):
        by_context[continuation.context].append(continuation)
    for context in sorted(by_context, key=lambda context: (-len(context), context)):
        yield from _split_rows(context, by_context[context])


def _split_rows(context: Prompt, continuations: Sequence[Continuation]) -> Iterator[PackedRow]:
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
    token_scores, ranks, tops = zip(*scored, strict=True)
    numbers = iter(torch.cat(token_scores).tolist()), iter(torch.cat(ranks).tolist()), iter(top_tokens(torch.cat(tops)))
    return [_collect(packed, *numbers) for packed in batch]


def _score_row(
    logits: torch.Tensor, packed: PackedRow, softmax_dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Score the n tokens of a row's m continuations; `logits`: [positions, vocabulary].

    Returns [n, 2], log-probability and 1 or 0 for the greedy token; [m] float32, the rank of each first visible token, 0 if it has none;
    and the log-probabilities at the k ends of the prompt that the continuations have, [k, vocabulary].
    """
    device, predicting = logits.device, packed.predicting()
    position = torch.tensor([place for places in predicting for place in places], device=device)
    token = torch.tensor([token for _, tokens, *_ in packed.continuations for token in tokens], device=device)
    log_probabilities = torch.log_softmax(logits, dim=-1, dtype=softmax_dtype)
    log_probability = log_probabilities[position, token]
    is_greedy = logits.argmax(dim=-1)[position] == token
    first_tokens = torch.tensor([entry.continuation[entry.blank] for entry in packed.continuations], device=device)
    places = [places[entry.blank] for entry, places in zip(packed.continuations, predicting, strict=True)]
    rank = mid_ranks(logits[0] if not any(places) else logits[places], first_tokens)
    ends = dict(zip(map(_end_of_prompt, packed.continuations), _ends(packed, predicting), strict=True))
    # _collect takes them in this order.
    tops = log_probabilities[list(ends.values())]
    return torch.stack([log_probability, is_greedy.to(log_probability.dtype)], dim=1), rank, tops


def _end_of_prompt(continuation: Continuation) -> tuple[int, ...]:
    """Return the continuation's tokens that belong to the prompt: equal ones lead to the same distribution."""
    return continuation.continuation[: continuation.in_prompt]


def _ends(packed: PackedRow, predicting: Sequence[Sequence[int]]) -> Iterator[int]:
    """Yield for each continuation the position of its prompt's last token."""
    for continuation, places in zip(packed.continuations, predicting, strict=True):
        yield places[continuation.in_prompt]


def _collect(
    packed: PackedRow, token_scores: Iterator[list[float]], ranks: Iterator[float], tops: Iterator[TopTokens | None]
) -> list[ScoredContinuation]:
    """Take the next token scores, ranks and distributions: those of this row, as `_score_row` made them."""
    top_at = {end: next(tops) for end in dict.fromkeys(map(_end_of_prompt, packed.continuations))}
    collected = []
    for continuation in packed.continuations:
        scores = [next(token_scores) for _ in continuation.continuation]
        values, blank = [value for value, _ in scores], continuation.blank
        collected.append(
            ScoredContinuation(
                sum(values),
                all(greedy for _, greedy in scores),
                next(ranks) or None,
                values[blank],
                sum(values[blank:]),
                top_at[_end_of_prompt(continuation)],
            )
        )
    return collected
