"""Choice of tokens from logits: the greatest, the k greatest, and seeded samples.

A sample depends on prompt, sample number, step and token alone, not on the batch. All three functions first compare chunks of the
vocabulary and then search a few of them, which is faster on a CPU than a search among all tokens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from lm_eval_illusion.inference.generation_config import Decoding

# Tokens of a vocabulary chunk: about as many as there are chunks in a vocabulary of 150,000.
CHUNK = 512
# A draw of exactly 0 would win against any probability.
SMALLEST_DRAW = float(np.finfo(np.float32).tiny)
# The logits of this many rows stay in a CPU's cache between two passes over them.
ROWS_IN_CACHE = 4


def best_token(logits: torch.Tensor) -> int:
    """Return the id of the greatest of `logits`, [vocabulary]; of equal ones the first."""
    chunks = _in_chunks(logits)
    chunk = int(chunks.amax(dim=1).argmax())
    return chunk * CHUNK + int(chunks[chunk].argmax())


def best_tokens(logits: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return log-probabilities (float32) and ids (int64) of the `count` likeliest tokens, [count] each, the best first.

    `logits`: [vocabulary], with a vocabulary of `count` tokens or more.
    """
    chunks = _in_chunks(logits)
    # The best tokens are in the chunks with the greatest maxima.
    best_chunks = chunks.amax(dim=1).topk(min(count, len(chunks)))[1]
    best, indices = chunks[best_chunks].flatten().topk(count)
    if torch.isinf(best[-1]):  # padding may be among the tokens without probability
        best, ids = logits.float().topk(count)
    else:
        ids = best_chunks[indices // CHUNK] * CHUNK + indices % CHUNK
    log_sum = best[0] + chunks.sub_(best[0]).exp_().sum().log()
    return best - log_sum, ids


def sample_tokens(logits: Sequence[torch.Tensor], decoding: Decoding, seeds: Sequence[int]) -> list[int]:
    """Sample one token id per row of logits from softmax(logits / temperature), cut by `decoding`'s top_k and top_p.

    `logits`: tensors of [rows, vocabulary], any float dtype, on one device; `seeds`: one per row, in the order of the rows.

    Method: an exponential race. With independent Exp(1) draws E_i, argmax p_i / E_i is i with probability p_i (the Gumbel-max trick;
    Maddison et al. 2014, "A* Sampling", arXiv 1411.0030). Chunks of the vocabulary race first, then the tokens of the winning chunk, which
    takes a few hundred draws instead of one per token. Rounding that depends on the batch changes a sample only where two tokens are
    within that rounding of each other, about once in a million samples; inverting the cumulative distribution would add up the rounding
    of all tokens before.
    """
    temperature = decoding.temperature
    if decoding.top_k or decoding.top_p < 1:
        logits, temperature = [_cut(part.float(), decoding) for part in logits], 1.0
    tokens: list[int] = []
    for rows in _row_batches(logits):
        tokens += _argmax_race(rows, temperature, seeds[len(tokens) :][: len(rows)]).tolist()
    return tokens


def seed_of(prompt: str, sample: int) -> int:
    """Return the seed, an integer in [0, 2^63), of the first token of a prompt's n-th sample; add 1 for each later token."""
    digest = hashlib.sha256(f"{sample}\0{prompt}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def empty_chunks(logits: torch.Tensor) -> torch.Tensor:
    """Allocate float32 for [n, vocabulary] logits, [n, chunks x CHUNK]: the padding of the last chunk is minus infinity, the rest unset."""
    rows, vocabulary = logits.shape
    empty = torch.empty((rows, -(-vocabulary // CHUNK) * CHUNK), dtype=torch.float32, device=logits.device)
    empty[:, vocabulary:] = -torch.inf
    return empty


def _in_chunks(logits: torch.Tensor) -> torch.Tensor:
    """Copy [vocabulary] logits to [chunks, CHUNK] float32."""
    chunks = empty_chunks(logits[None])
    chunks[0, : len(logits)] = logits
    return chunks.view(-1, CHUNK)


def _row_batches(logits: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Split rows for a CPU's cache; on other devices join all of them, because kernel launches cost more than memory access."""
    if logits[0].device.type != "cpu":
        return [torch.cat(list(logits))]
    return [rows for part in logits for rows in torch.split(part, ROWS_IN_CACHE)]


def _cut(scores: torch.Tensor, decoding: Decoding) -> torch.Tensor:
    """Apply transformers' temperature, top-k and top-p to [rows, vocabulary] float32."""
    warpers = LogitsProcessorList([TemperatureLogitsWarper(decoding.temperature)])
    if decoding.top_k:
        warpers.append(TopKLogitsWarper(decoding.top_k))
    if decoding.top_p < 1:
        warpers.append(TopPLogitsWarper(decoding.top_p))
    # None in place of the input ids: these warpers do not use them.
    cut: torch.Tensor = warpers(None, scores)
    return cut


def _argmax_race(logits: torch.Tensor, temperature: float, seeds: Sequence[int]) -> torch.Tensor:
    """Return the sampled token of each row, the winner of its race, [n] int64; `logits`: [n, vocabulary], `seeds`: n."""
    # Weights relative to the likeliest token's weight, in one pass over the logits.
    offset = logits.amax(dim=1, keepdim=True).float().div_(-temperature)
    weights = empty_chunks(logits)
    torch.add(offset, logits, alpha=1 / temperature, out=weights[:, : logits.shape[1]])
    weights = weights.exp_().view(len(logits), -1, CHUNK)
    rows, chunks, _ = weights.shape
    noise = _exponential_noise(seeds, chunks + CHUNK).to(logits.device)
    chunk = (weights.sum(dim=2) / noise[:, :chunks]).argmax(dim=1)
    weights_in_chunk = weights[torch.arange(rows, device=logits.device), chunk]
    return chunk * CHUNK + (weights_in_chunk / noise[:, chunks:]).argmax(dim=1)


def _exponential_noise(seeds: Sequence[int], count: int) -> torch.Tensor:
    """Draw [seeds, count] float32 from Exp(1) on the CPU, so that every machine and device gets the same numbers."""
    rows = [np.random.Generator(np.random.SFC64(seed)).standard_exponential(count, dtype=np.float32) for seed in seeds]
    return torch.from_numpy(np.stack(rows)).clamp_min_(SMALLEST_DRAW)
