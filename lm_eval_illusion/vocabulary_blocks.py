"""Logits in blocks of the vocabulary: a look at each block first saves a search among all tokens."""

from __future__ import annotations

import torch

# Tokens of a block: about as many as there are blocks in a vocabulary of 150,000.
BLOCK = 512


def in_blocks(logits: torch.Tensor) -> torch.Tensor:
    """[n, vocabulary] -> a float32 copy, [n, blocks, BLOCK]; what fills up the last block is minus infinity."""
    rows, vocabulary = logits.shape
    blocks = -(-vocabulary // BLOCK)
    filled = torch.empty((rows, blocks * BLOCK), dtype=torch.float32, device=logits.device)
    filled[:, :vocabulary] = logits
    filled[:, vocabulary:] = -torch.inf
    return filled.view(rows, blocks, BLOCK)


def best_tokens(logits: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities and ids of the `count` likeliest tokens, the best first. `logits`: [vocabulary], no fewer than `count`."""
    blocks = in_blocks(logits[None])[0]
    # The best tokens stand in the blocks whose own best are the greatest.
    of_block = blocks.amax(dim=1).topk(min(count, len(blocks)))[1]
    best, places = blocks[of_block].flatten().topk(count)
    if torch.isinf(best[-1]):  # among equals of no probability may be the filling
        best, ids = logits.float().topk(count)
    else:
        ids = of_block[places // BLOCK] * BLOCK + places % BLOCK
    log_sum = best[0] + blocks.sub_(best[0]).exp_().sum().log()
    return best - log_sum, ids
