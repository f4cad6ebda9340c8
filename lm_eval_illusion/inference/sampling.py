"""Seeded sampling: what is drawn depends on prompt, sample, step and token alone, not on the batch.

Logits in blocks of the vocabulary: a look at each block first saves a search among all tokens.
"""

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
    from lm_eval_illusion.inference.hf_generate import Decoding


# Tokens of a block: about as many as there are blocks in a vocabulary of 150,000.
BLOCK = 512


def blank_blocks(logits: torch.Tensor) -> torch.Tensor:
    """Room for [n, vocabulary] logits in float32, [n, blocks x BLOCK]: what fills up the last block is minus infinity."""
    rows, vocabulary = logits.shape
    blank = torch.empty((rows, -(-vocabulary // BLOCK) * BLOCK), dtype=torch.float32, device=logits.device)
    blank[:, vocabulary:] = -torch.inf
    return blank


def best_token(logits: torch.Tensor) -> int:
    """The id of the likeliest token; of equal ones the first. `logits`: [vocabulary]."""
    blocks = _in_blocks(logits)
    block = int(blocks.amax(dim=1).argmax())
    return block * BLOCK + int(blocks[block].argmax())


def best_tokens(logits: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities and ids of the `count` likeliest tokens, the best first. `logits`: [vocabulary], no fewer than `count`."""
    blocks = _in_blocks(logits)
    # The best tokens stand in the blocks whose own best are the greatest.
    of_block = blocks.amax(dim=1).topk(min(count, len(blocks)))[1]
    best, places = blocks[of_block].flatten().topk(count)
    if torch.isinf(best[-1]):  # among equals of no probability may be the filling
        best, ids = logits.float().topk(count)
    else:
        ids = of_block[places // BLOCK] * BLOCK + places % BLOCK
    log_sum = best[0] + blocks.sub_(best[0]).exp_().sum().log()
    return best - log_sum, ids


def _in_blocks(logits: torch.Tensor) -> torch.Tensor:
    blocks = blank_blocks(logits[None])
    blocks[0, : len(logits)] = logits
    return blocks.view(-1, BLOCK)


# A draw of exactly 0 would win against any probability.
SMALLEST_DRAW = float(np.finfo(np.float32).tiny)
# Logits of so many rows stay in a processor's cache from one look at them to the next.
ROWS_IN_CACHE = 4


class SeededSampling(LogitsProcessor):  # type: ignore[misc]
    """Samples by `race`. Every other token is left at minus infinity, so that greedy decoding takes the sample."""

    def __init__(self, prompts: Sequence[str], decoding: Decoding, start: int) -> None:
        self.seeds = [seed_of(prompt, sample) for prompt in prompts for sample in range(decoding.branches)]
        self.start = start
        self.decoding = decoding

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """[rows, vocabulary] -> the same with only the sampled token left."""
        step = input_ids.shape[1] - self.start
        winners = sample_tokens([scores], self.decoding, [seed + step for seed in self.seeds])
        sampled = torch.tensor(winners, device=scores.device)
        return torch.full_like(scores, float("-inf")).scatter_(1, sampled[:, None], 0.0)


def sample_tokens(logits: Sequence[torch.Tensor], decoding: Decoding, seeds: Sequence[int]) -> list[int]:
    """Logits, [n, vocabulary] each, and a seed a row -> the token that wins each, as likely as `decoding`'s temperature and cuts make it.

    In an exponential race the greatest of probability / draw wins, as often as its probability says (the Gumbel-max trick; Maddison et
    al. 2014, "A* Sampling"). Here blocks of the vocabulary race first, then the tokens of the block that won, which takes a few hundred
    draws instead of one a token. Rounding that depends on the batch changes a winner only where two run within that rounding of each
    other, about once in a million draws; a draw against the cumulative distribution is changed by the rounding of every token before it.
    """
    temperature = decoding.temperature
    if decoding.top_k or decoding.top_p < 1:
        logits, temperature = [_cut(part.float(), decoding) for part in logits], 1.0
    winners: list[int] = []
    for rows in _parts(logits):
        winners += _argmax_race(rows, temperature, seeds[len(winners) :][: len(rows)]).tolist()
    return winners


def _parts(logits: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """As many rows at a time as a processor's cache holds; elsewhere all of them, because launches cost more than memory."""
    if logits[0].device.type != "cpu":
        return [torch.cat(list(logits))]
    return [rows for part in logits for rows in torch.split(part, ROWS_IN_CACHE)]


def _cut(scores: torch.Tensor, decoding: Decoding) -> torch.Tensor:
    """As transformers does it, [rows, vocabulary]: none of it looks at the ids."""
    warpers = LogitsProcessorList([TemperatureLogitsWarper(decoding.temperature)])
    if decoding.top_k:
        warpers.append(TopKLogitsWarper(decoding.top_k))
    if decoding.top_p < 1:
        warpers.append(TopPLogitsWarper(decoding.top_p))
    cut: torch.Tensor = warpers(None, scores)
    return cut


def _argmax_race(logits: torch.Tensor, temperature: float, seeds: Sequence[int]) -> torch.Tensor:
    """[n, vocabulary] and n seeds -> [n] tokens."""
    # Relative to the likeliest token's weight, in one pass over the logits.
    offset = logits.amax(dim=1, keepdim=True).float().div_(-temperature)
    weights = blank_blocks(logits)
    torch.add(offset, logits, alpha=1 / temperature, out=weights[:, : logits.shape[1]])
    weights = weights.exp_().view(len(logits), -1, BLOCK)
    rows, blocks, _ = weights.shape
    draws = _exponential_noise(seeds, blocks + BLOCK).to(logits.device)
    block = (weights.sum(dim=2) / draws[:, :blocks]).argmax(dim=1)
    mine = weights[torch.arange(rows, device=logits.device), block]
    return block * BLOCK + (mine / draws[:, blocks:]).argmax(dim=1)


def _exponential_noise(seeds: Sequence[int], count: int) -> torch.Tensor:
    """[seeds, count] exponential draws, the same on every machine and device."""
    rows = [np.random.Generator(np.random.SFC64(seed)).standard_exponential(count, dtype=np.float32) for seed in seeds]
    return torch.from_numpy(np.stack(rows)).clamp_min_(SMALLEST_DRAW)


def seed_of(prompt: str, sample: int) -> int:
    """The seed of a sample's first token; the next token's is one greater."""
    digest = hashlib.sha256(f"{sample}\0{prompt}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
