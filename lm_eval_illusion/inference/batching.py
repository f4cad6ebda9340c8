"""Batch sizes in tokens, because prompts and answers differ in length."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import torch

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.option_values import MOST_BATCH_TOKENS, shown, whole_number_in

Item = TypeVar("Item")

# Automatic limits: tokens per row of the batch size, and tokens of any batch. More than 65,536 was not tried.
TOKENS_PER_ROW, MAX_TOKENS = 8192, 65_536


class BatchLimits(NamedTuple):
    """Limits of a batch of prefilled prompts, all derived from `max_batch_tokens`."""

    tokens: int
    """Tokens in the KV cache: those of the prompts and of all their outputs."""

    @property
    def prefill_tokens(self) -> int:
        """Largest number of tokens in one forward pass of prefill."""
        return max(1, self.tokens // 32)

    @property
    def scoring_tokens(self) -> int:
        """Largest number of context tokens that are scored together. They may be stored twice: in the batch and in the prefix cache."""
        return max(1, self.tokens // 8)

    @property
    def logit_rows(self) -> int:
        """Largest number of positions that one forward pass projects to the vocabulary."""
        return max(1, self.tokens // 64)


def batches(items: Iterable[Item], fits: Callable[[Sequence[Item]], bool]) -> Iterator[list[Item]]:
    """Split items into batches of neighbours that fit; an item that does not fit by itself is a batch of one."""
    batch: list[Item] = []
    for item in items:
        if batch and not fits([*batch, item]):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def read_max_batch_tokens(value: Any) -> int | None:
    """Read the model argument `max_batch_tokens`; None for `auto`.

    Raises:
        UserError: The value is neither `auto` nor a whole number from 64 to MOST_BATCH_TOKENS.
    """
    if value is None or (isinstance(value, str) and value == "auto"):
        return None
    tokens = whole_number_in(value)
    if tokens is None or not 64 <= tokens <= MOST_BATCH_TOKENS:
        raise UserError(
            f"max_batch_tokens {shown(value)} is neither auto nor a whole number of 64 or more, at most {MOST_BATCH_TOKENS:,}:"
            f" give how many tokens of prompts and answers a batch may hold, e.g. 32768"
        )
    return tokens


def automatic_limits(device: torch.device, rows: int, bytes_per_token: Callable[[], int]) -> BatchLimits:
    """Choose limits: from a quarter of an accelerator's free memory; on a CPU from `rows`, the user's batch size.

    `bytes_per_token`: returns the bytes of one token's keys and values; it is called for an accelerator only.
    """
    if device.type != "cuda":
        return BatchLimits(min(MAX_TOKENS, rows * TOKENS_PER_ROW))
    free, _ = torch.cuda.mem_get_info(device)
    return BatchLimits(max(TOKENS_PER_ROW, min(MAX_TOKENS, free // 4 // bytes_per_token())))
