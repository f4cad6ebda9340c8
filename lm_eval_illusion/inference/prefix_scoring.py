"""Scoring many continuations of one context, which is read once, with logits at the scored positions only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import torch

from lm_eval_illusion.inference.batching import BatchLimits, batches
from lm_eval_illusion.inference.prefix_cache import PrefixCache, padded, prefill
from lm_eval_illusion.inference.prefix_tree import PrefixBatch, after_prompts
from lm_eval_illusion.inference.scoring import Continuation, ScoredContinuation

# A row takes as many scored positions whatever its context's length.
POSITIONS_PER_ROW = 128


class Packed(NamedTuple):
    """A context and its continuations, in one row: the context's last token, then all tokens but the last of each continuation."""

    context: tuple[int, ...]
    continuations: tuple[tuple[int, ...], ...]

    @property
    def positions(self) -> int:
        """Scored positions: the first one is every continuation's."""
        return 1 + sum(len(one) - 1 for one in self.continuations)

    def behind(self) -> tuple[list[int], list[int], list[int]]:
        """Ids, branches (see `after_prompts`) and positions of the row's tokens from the context's last one on."""
        ids, branches, positions = [self.context[-1]], [0], [len(self.context) - 1]
        for number, one in enumerate(self.continuations, 1):
            ids += one[:-1]
            branches += [number] * (len(one) - 1)
            positions += range(len(self.context), len(self.context) + len(one) - 1)
        return ids, branches, positions


def can_share(one: Continuation, longest: int) -> bool:
    """Whether it is worth its while: a context is there, no shorter than the continuation, and both fit into `longest` tokens."""
    context, continuation = len(one.context), len(one.continuation)
    return 0 < continuation <= context and context + continuation - 1 <= longest


def score_shared(
    wanted: Iterable[Continuation],
    model: Any,
    *,
    limits: BatchLimits,
    memory: PrefixCache,
    softmax_dtype: torch.dtype,
    device: torch.device,
    progress: Callable[[int], object] = lambda _: None,
) -> dict[Continuation, ScoredContinuation]:
    """Score continuations whose contexts fit into the window; those of one context share it, and `memory` keeps it for generation.

    The caller sets inference mode.
    """
    scores: dict[Continuation, ScoredContinuation] = {}
    for batch in batches(_pack(wanted), lambda packs: _fits(packs, limits)):
        contexts = [packed.context for packed in batch]
        states = prefill(model, contexts, device, limits.read, memory)
        room = max(packed.positions for packed in batch)
        scored = _score_batch(batch, PrefixBatch(model, contexts, states, device, room), softmax_dtype)
        for context, kept in zip(contexts, states, strict=True):
            memory.keep(context, kept)
        for packed, values in zip(batch, scored, strict=True):
            scores.update(
                (Continuation(packed.context, one), value) for one, value in zip(packed.continuations, values, strict=True)
            )
            progress(len(packed.continuations))
    return scores


def _pack(wanted: Iterable[Continuation]) -> list[Packed]:
    """The longest contexts first; a context with so many continuations that they outgrow it or a row's positions gets several rows."""
    of_context: dict[tuple[int, ...], list[tuple[int, ...]]] = defaultdict(list)
    for context, continuation in sorted(set(wanted)):
        of_context[context].append(continuation)
    packs = []
    for context in sorted(of_context, key=lambda context: (-len(context), context)):
        most = max(len(context), POSITIONS_PER_ROW)
        row: list[tuple[int, ...]] = []
        for continuation in of_context[context]:
            if row and Packed(context, (*row, continuation)).positions > most:
                packs.append(Packed(context, tuple(row)))
                row = []
            row.append(continuation)
        packs.append(Packed(context, tuple(row)))
    return packs


def _fits(packs: Sequence[Packed], limits: BatchLimits) -> bool:
    """`packs`: the longest contexts first."""
    positions = max(one.positions for one in packs)
    return len(packs) * len(packs[0].context) <= limits.scored and len(packs) * positions <= limits.positions


def _score_batch(batch: Sequence[Packed], prompts: PrefixBatch, softmax_dtype: torch.dtype) -> list[list[ScoredContinuation]]:
    device = prompts.device
    ids, branches, positions = zip(*(packed.behind() for packed in batch), strict=True)
    branch = padded(branches, device, filling=-1)
    logits = prompts.forward(padded(ids, device), padded(positions, device), after_prompts(prompts, branch))
    # Nothing is fetched from the device before all is computed.
    on_device = [_score(logits[row, : packed.positions], packed, softmax_dtype) for row, packed in enumerate(batch)]
    tokens, firsts = (torch.cat(parts).tolist() for parts in zip(*on_device, strict=True))
    return [list(_gathered(packed, tokens, firsts)) for packed in batch]


def _score(logits: torch.Tensor, packed: Packed, softmax_dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Of each continuation's tokens, [n, 2]: log-probability, and 1 if it is the greedy one; of each first token, [m]: its rank or 0.

    `logits`: [positions, vocabulary].
    """
    places: list[int] = []
    next_place = 1
    for one in packed.continuations:
        places += [0, *range(next_place, next_place + len(one) - 1)]
        next_place += len(one) - 1
    place = torch.tensor(places, device=logits.device)
    token = torch.tensor([token for one in packed.continuations for token in one], device=logits.device)
    log_probability = torch.log_softmax(logits, dim=-1, dtype=softmax_dtype)[place, token]
    is_greedy = logits.argmax(dim=-1)[place] == token
    first = logits[0]
    mine = first[torch.tensor([one[0] for one in packed.continuations], device=logits.device)]
    rank = 1 + (first > mine[:, None]).sum(dim=1)
    rank = rank.where(torch.isfinite(mine) & ~first.isnan().any(), 0)
    return torch.stack([log_probability, is_greedy.to(log_probability.dtype)], dim=1), rank


def _gathered(packed: Packed, tokens: list[list[float]], firsts: list[int]) -> Iterator[ScoredContinuation]:
    """Takes this row's values from the front of `tokens` and `firsts`."""
    for one in packed.continuations:
        mine = tokens[: len(one)]
        del tokens[: len(one)]
        yield ScoredContinuation(sum(value for value, _ in mine), all(greedy for _, greedy in mine), firsts.pop(0) or None)
