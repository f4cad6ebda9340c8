"""Logits in blocks of the vocabulary: a look at each block first saves a search among all tokens."""

from __future__ import annotations

import torch

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
