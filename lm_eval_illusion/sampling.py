"""Seeded sampling: what is drawn depends on prompt, sample, step and token alone, not on the batch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

if TYPE_CHECKING:
    from lm_eval_illusion.decoding import Decoding


class SeededSampling(LogitsProcessor):  # type: ignore[misc]
    """Samples by an exponential race whose draws depend on prompt, sample, step and token alone (the Gumbel-max trick).

    The token with the greatest log-probability minus log of its draw wins, as often as its probability says (Maddison et al. 2014,
    "A* Sampling"). Rounding that depends on the batch changes the winner only where two tokens run within that rounding of each
    other, about once in a million draws; a draw against the cumulative distribution is changed by the rounding of every token
    before it. Every other token is left at minus infinity, so that greedy decoding takes the sample.
    """

    def __init__(self, prompts: Sequence[str], decoding: Decoding, start: int) -> None:
        self.seeds = [seed_of(prompt, sample) for prompt in prompts for sample in range(decoding.branches)]
        self.start = start
        self.warpers = warpers_of(decoding)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """[rows, vocabulary] -> the same with only the sampled token left."""
        step = input_ids.shape[1] - self.start
        sampled = race(self.warpers(input_ids, scores), [seed + step for seed in self.seeds])
        return torch.full_like(scores, float("-inf")).scatter_(1, sampled[:, None], 0.0)


def warpers_of(decoding: Decoding) -> LogitsProcessorList:
    """What makes of logits those that are sampled from; none of it looks at the ids."""
    warpers = LogitsProcessorList([TemperatureLogitsWarper(decoding.temperature)])
    if decoding.top_k:
        warpers.append(TopKLogitsWarper(decoding.top_k))
    if decoding.top_p < 1:
        warpers.append(TopPLogitsWarper(decoding.top_p))
    return warpers


def race(warped: torch.Tensor, seeds: Sequence[int]) -> torch.Tensor:
    """[rows, vocabulary] logits, and a seed a row -> [rows] the token that wins."""
    draws = torch.empty_like(warped, dtype=torch.float32)
    for row, seed in zip(draws, seeds, strict=True):
        # One row at a time: the numbers of a row may not depend on how many stand beside it.
        _draw_exponentials(row, seed)
    # A draw of exactly 0 would win against any probability.
    draws.clamp_min_(torch.finfo(torch.float32).tiny).log_()
    return torch.sub(warped, draws, out=draws).argmax(dim=-1)


def _draw_exponentials(row: torch.Tensor, seed: int) -> None:
    """Fill [vocabulary] float32."""
    if row.device.type == "cpu":
        # torch's take 2.4 ms for a vocabulary of 152,000, these 0.5.
        numbers = np.random.Generator(np.random.SFC64(seed))
        numbers.standard_exponential(out=row.numpy(), dtype=np.float32)
    else:
        row.exponential_(generator=torch.Generator(row.device).manual_seed(seed))


def seed_of(prompt: str, sample: int) -> int:
    """The seed of a sample's first token; the next token's is one greater."""
    digest = hashlib.sha256(f"{sample}\0{prompt}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
