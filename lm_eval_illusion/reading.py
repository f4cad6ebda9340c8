"""Reading prompts: their keys and values, of all tokens but the last, computed once and kept for who asks the same again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import torch

from lm_eval_illusion.batch_limits import batches
from lm_eval_illusion.shared_keys import AllRead, SharedKeys, States

Prompt = tuple[int, ...]


class PromptMemory:
    """Prompts that were read for scoring, until generation takes them: lm_eval asks for all scores before it asks for any text."""

    def __init__(self, most_tokens: int) -> None:
        """`most_tokens`: of all prompts together; what comes when it is full is not kept."""
        self.room = most_tokens
        self.kept: dict[Prompt, States] = {}

    def keep(self, prompt: Prompt, states: States) -> None:
        """Keep it if there is room."""
        if prompt not in self.kept and len(prompt) <= self.room:
            self.room -= len(prompt)
            self.kept[prompt] = states

    def take(self, prompt: Prompt) -> States | None:
        """Give it away, or None where it isn't kept."""
        states = self.kept.pop(prompt, None)
        if states is not None:
            self.room += len(prompt)
        return states

    def clear(self) -> None:
        """Give up all that nobody asked for again."""
        self.room += sum(map(len, self.kept))
        self.kept.clear()


def read_prompts(
    model: Any, prompts: Sequence[Prompt], device: torch.device, most_tokens: int, memory: PromptMemory
) -> list[States]:
    """States of each prompt's tokens but the last, whose logits are wanted; read in batches of `most_tokens`, but for those in `memory`.

    A prompt has one token or more. The caller sets inference mode and autocast.
    """
    states: dict[Prompt, States] = {}
    for prompt in dict.fromkeys(prompts):
        known = memory.take(prompt)
        if known is not None:
            states[prompt] = known
    unread = sorted({prompt for prompt in prompts if prompt not in states}, key=lambda prompt: (-len(prompt), prompt))
    # The longest first: it is the width of its batch.
    for batch in batches(unread, lambda batch: len(batch) * len(batch[0]) <= most_tokens):
        keys = _read(model, [prompt[:-1] for prompt in batch], device)
        states |= {prompt: keys.states(row, len(prompt) - 1) for row, prompt in enumerate(batch)}
    return [states[prompt] for prompt in prompts]


def _read(model: Any, rows: Sequence[Sequence[int]], device: torch.device) -> SharedKeys:
    """Padded on the right, where a causal model does not see the padding, and without a mask, which attention kernels do fastest."""
    keys = SharedKeys(last_layer=model.config.get_text_config().num_hidden_layers - 1)
    # A prompt of one token leaves nothing to read; a token of padding gives its states their shape.
    ids = padded([row or [0] for row in rows], device)
    with suppress(AllRead):
        model(input_ids=ids, past_key_values=keys, use_cache=True, logits_to_keep=1)
    return keys


def padded(rows: Sequence[Sequence[int]], device: torch.device, filling: int = 0) -> torch.Tensor:
    """[len(rows), longest] ids, padded on the right."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[filling] * (longest - len(row))] for row in rows], dtype=torch.long, device=device)
