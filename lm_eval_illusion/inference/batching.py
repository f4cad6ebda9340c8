"""How much goes into one batch, told in tokens, because prompts and answers differ in length."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import torch

from lm_eval_illusion.errors import UserError

Item = TypeVar("Item")

# Without a word from the user: of each row of his batch size, and at the most. More than 65,536 was not tried.
TOKENS_PER_ROW, MOST_TOKENS = 8192, 65_536


class BatchLimits(NamedTuple):
    """Of a batch of prompts that are read once."""

    tokens: int
    """`max_batch_tokens`: those held as keys and values, of prompts and of all their branches."""

    @property
    def read(self) -> int:
        """Tokens that go through the layers together."""
        return max(1, self.tokens // 32)

    @property
    def scored(self) -> int:
        """Those of contexts that are scored together: they are held twice, side by side and for generation."""
        return max(1, self.tokens // 8)

    @property
    def positions(self) -> int:
        """Positions that are projected to the vocabulary together."""
        return max(1, self.tokens // 64)


def batches(items: Iterable[Item], fits: Callable[[Sequence[Item]], bool]) -> Iterator[list[Item]]:
    """Neighbours together as long as they fit; one that does not fit by itself is alone."""
    batch: list[Item] = []
    for item in items:
        if batch and not fits([*batch, item]):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def read_max_batch_tokens(value: Any) -> int | None:
    """The argument `max_batch_tokens`; None for `auto`.

    Raises:
        UserError: it is neither `auto` nor a whole number of 64 or more.
    """
    if value in (None, "auto"):
        return None
    text = str(value)
    if not (text.isascii() and text.isdigit() and int(text) >= 64):
        raise UserError(
            f"max_batch_tokens {value!r} is neither auto nor a whole number of 64 or more:"
            f" give how many tokens of prompts and answers a batch may hold, e.g. 32768"
        )
    return int(text)


def automatic_limits(model: Any, device: torch.device, rows: int) -> BatchLimits:
    """As many tokens as fit into a quarter of an accelerator's free memory; elsewhere by the user's batch size, `rows`."""
    if device.type != "cuda":
        return BatchLimits(min(MOST_TOKENS, rows * TOKENS_PER_ROW))
    free, _ = torch.cuda.mem_get_info(device)
    return BatchLimits(max(TOKENS_PER_ROW, min(MOST_TOKENS, free // 4 // bytes_a_token(model))))


def bytes_a_token(model: Any) -> int:
    """Of keys and values in all layers."""
    config = model.config.get_text_config()
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    return int(2 * config.num_hidden_layers * heads * width * model.dtype.itemsize)
