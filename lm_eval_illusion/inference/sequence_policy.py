"""The interface of decoding: which tokens continue the sequences of one prompt.

A policy sees logits and returns token ids; it knows nothing of the model or its cache. Each step takes three calls by `generate`:
`choose` turns logits into choices, `advance` applies them, and the sequences that go on are the live ones of the next step.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Protocol

import torch

from lm_eval_illusion.inference.generation_config import Decoding

# What `choose` returns per live sequence: its next token, or for a beam [(log-probability, token)] of its best tokens.
Choices = Sequence[Any]


class SequencePolicy(Protocol):
    """Decoding of one prompt, one token per step for every live sequence."""

    decoding: Decoding

    @property
    def batch_key(self) -> Hashable:
        """Policies with equal keys choose tokens in one call."""

    @property
    def max_live(self) -> int:
        """Upper limit of live sequences in any step."""

    @property
    def num_live(self) -> int:
        """Number of live sequences, whose next token is not chosen yet; 0 when the policy is done."""

    def choose(self, logits: Sequence[torch.Tensor], policies: Sequence[Any]) -> list[Any]:
        """Return a choice for each live sequence of all `policies`, which have the same `batch_key` as this policy and may include it.

        `logits`: for each policy [num_live, vocabulary], any float dtype.
        """

    def advance(self, choices: Choices) -> list[tuple[int, int]]:
        """Apply the choices of this policy's live sequences.

        Returns the live sequences of the next step: the index of the live sequence that each continues, and its token.
        """

    def outputs(self) -> list[list[int]]:
        """Return the generated token ids of each output."""
