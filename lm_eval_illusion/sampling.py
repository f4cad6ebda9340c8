"""Seeded sampling: what is drawn depends on prompt, sample, step and token alone, not on the batch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
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

Numbers = npt.NDArray[np.float32]

# A draw of exactly 0 would win against any probability.
SMALLEST_DRAW = float(np.finfo(np.float32).tiny)


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
        self.decoding = decoding

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """[rows, vocabulary] -> the same with only the sampled token left."""
        step = input_ids.shape[1] - self.start
        winners = race(list(scores), self.decoding, [seed + step for seed in self.seeds])
        sampled = torch.tensor(winners, device=scores.device)
        return torch.full_like(scores, float("-inf")).scatter_(1, sampled[:, None], 0.0)


def race(rows: Sequence[torch.Tensor], decoding: Decoding, seeds: Sequence[int]) -> list[int]:
    """Logits of [vocabulary] a row and a seed a row -> the token that wins each, as likely as `decoding`'s temperature and cuts make it."""
    temperature = decoding.temperature
    if decoding.top_k or decoding.top_p < 1:
        rows, temperature = list(_cut(torch.stack(list(rows)).float(), decoding)), 1.0
    # One row at a time: the numbers of a row may not depend on how many stand beside it.
    if rows[0].device.type == "cpu":
        # torch draws 152,000 numbers in 2.4 ms, numpy in 0.5, and rows side by side.
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            numbers = [row.float().numpy() for row in rows]
            return list(pool.map(_winner_on_processor, numbers, [temperature] * len(rows), seeds))
    winners = torch.stack([_winner(row, temperature, seed) for row, seed in zip(rows, seeds, strict=True)])
    return [int(token) for token in winners.tolist()]


def _cut(scores: torch.Tensor, decoding: Decoding) -> torch.Tensor:
    """As transformers does it, [rows, vocabulary]: none of it looks at the ids."""
    warpers = LogitsProcessorList([TemperatureLogitsWarper(decoding.temperature)])
    if decoding.top_k:
        warpers.append(TopKLogitsWarper(decoding.top_k))
    if decoding.top_p < 1:
        warpers.append(TopPLogitsWarper(decoding.top_p))
    cut: torch.Tensor = warpers(None, scores)
    return cut


def _winner(logits: torch.Tensor, temperature: float, seed: int) -> torch.Tensor:
    draws = torch.empty_like(logits, dtype=torch.float32)
    draws.exponential_(generator=torch.Generator(logits.device).manual_seed(seed))
    return (logits.float() / temperature - draws.clamp_min_(SMALLEST_DRAW).log_()).argmax()


def _winner_on_processor(logits: Numbers, temperature: float, seed: int) -> int:
    draws: Numbers = np.random.Generator(np.random.SFC64(seed)).standard_exponential(len(logits), dtype=np.float32)
    np.log(np.maximum(draws, SMALLEST_DRAW, out=draws), out=draws)
    return int(np.subtract(logits / np.float32(temperature), draws, out=draws).argmax())


def seed_of(prompt: str, sample: int) -> int:
    """The seed of a sample's first token; the next token's is one greater."""
    digest = hashlib.sha256(f"{sample}\0{prompt}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
