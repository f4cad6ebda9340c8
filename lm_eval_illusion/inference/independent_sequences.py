"""Greedy decoding and sampling: sequences of one prompt that do not depend on each other."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import torch

from lm_eval_illusion.inference.generation_config import Decoding
from lm_eval_illusion.inference.sampling import best_token, sample_tokens, seed_of
from lm_eval_illusion.inference.sequence_policy import Choices
from lm_eval_illusion.inference.stopping import StopCondition


class IndependentSequences:
    """One greedy answer, or samples, each seeded by the prompt and the sample's number."""

    def __init__(self, prompt: str, decoding: Decoding, stop: StopCondition, samples: Sequence[int]) -> None:
        """`samples`: numbers of the prompt's samples; (0,) for a greedy answer."""
        self.decoding = decoding
        self.stop = stop
        self.seeds = [seed_of(prompt, sample) for sample in samples]
        self.tokens: list[list[int]] = [[] for _ in samples]
        self.live = list(range(len(samples)))

    @property
    def batch_key(self) -> Hashable:
        """One key for all greedy answers; for samples temperature, top_k and top_p."""
        decoding = self.decoding
        return (decoding.temperature, decoding.top_k, decoding.top_p) if decoding.do_sample else "greedy"

    @property
    def max_live(self) -> int:
        """The number of all sequences."""
        return len(self.tokens)

    @property
    def num_live(self) -> int:
        """The number of sequences that have not ended."""
        return len(self.live)

    def choose(self, logits: Sequence[torch.Tensor], policies: Sequence[IndependentSequences]) -> list[int]:
        """Return the greedy or sampled token of each live sequence."""
        if self.decoding.do_sample:
            # A sample's seed grows by one per token.
            seeds = [policy.seeds[number] + len(policy.tokens[number]) for policy in policies for number in policy.live]
            return sample_tokens(logits, self.decoding, seeds)
        if logits[0].device.type == "cpu":
            return [best_token(row) for rows in logits for row in rows]
        return [int(token) for token in torch.cat(list(logits)).argmax(dim=-1).tolist()]

    def advance(self, choices: Choices) -> list[tuple[int, int]]:
        """Append each live sequence's token; those that do not end stay live."""
        for number, token in zip(self.live, choices, strict=True):
            self.tokens[number].append(token)
        continued = [index for index, number in enumerate(self.live) if not self.stop.should_stop(self.tokens[number])]
        self.live = [self.live[index] for index in continued]
        return [(index, choices[index]) for index in continued]

    def outputs(self) -> list[list[int]]:
        """Return the sequences in the order of their sample numbers."""
        return self.tokens
