"""Ways of decoding one prompt by branches: greedy and samples, which go on alone, and beams, which grow out of each other."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Protocol

import torch

from lm_eval_illusion.inference.hf_generate import Decoding
from lm_eval_illusion.inference.sampling import best_token, best_tokens, sample_tokens, seed_of
from lm_eval_illusion.inference.stopping import StopCondition

# For each live branch: its token; for a beam, log-probabilities and ids of its best tokens.
Choices = Sequence[Any]


class Strategy(Protocol):
    """PrefixTree of one prompt, in lockstep. Those of one `kind` choose together."""

    decoding: Decoding

    @property
    def kind(self) -> Hashable:
        """Strategies that may choose together."""

    @property
    def width(self) -> int:
        """Live branches; 0 when all is done."""

    def choose(self, logits: Sequence[torch.Tensor], together: Sequence[Any]) -> list[Any]:
        """Choices of all branches of all strategies `together`, of this kind; `logits`: of each strategy, [width, vocabulary]."""

    def advance(self, choices: Choices) -> list[tuple[int, int]]:
        """The live branches of the next step, each as the branch of this step that it goes on from, and its token."""

    def outputs(self) -> list[list[int]]:
        """Ids of the answers."""


class IndependentSequences:
    """One greedy answer, or samples, each seeded by prompt and number."""

    def __init__(self, prompt: str, decoding: Decoding, ending: StopCondition, numbers: Sequence[int]) -> None:
        """`numbers`: which of the prompt's samples; for the greedy answer, 0 alone."""
        self.decoding = decoding
        self.ending = ending
        self.seeds = [seed_of(prompt, number) for number in numbers]
        self.tokens: list[list[int]] = [[] for _ in numbers]
        self.live = list(range(len(numbers)))

    @property
    def kind(self) -> Hashable:
        """All greedy ones together, samples by temperature and cuts."""
        decoding = self.decoding
        return (decoding.temperature, decoding.top_k, decoding.top_p) if decoding.do_sample else "greedy"

    @property
    def width(self) -> int:
        """Answers that go on."""
        return len(self.live)

    def choose(self, logits: Sequence[torch.Tensor], together: Sequence[IndependentSequences]) -> list[int]:
        """The greatest logit, or the winner of the race."""
        if not self.decoding.do_sample:
            if logits[0].device.type == "cpu":
                return [best_token(row) for rows in logits for row in rows]
            return [int(token) for token in torch.cat(list(logits)).argmax(dim=-1).tolist()]
        seeds = [chains.seeds[place] + len(chains.tokens[place]) for chains in together for place in chains.live]
        return sample_tokens(logits, self.decoding, seeds)

    def advance(self, choices: Choices) -> list[tuple[int, int]]:
        """Each goes on with its token until it ends."""
        for place, token in zip(self.live, choices, strict=True):
            self.tokens[place].append(token)
        on = [number for number, place in enumerate(self.live) if not self.ending.should_stop(self.tokens[place])]
        self.live = [self.live[number] for number in on]
        return [(number, choices[number]) for number in on]

    def outputs(self) -> list[list[int]]:
        """In the order of their numbers."""
        return self.tokens


class BeamSearch:
    """Beam search as transformers does it with early_stopping=False: the same candidates, scores, length penalty and end."""

    def __init__(self, decoding: Decoding, ending: StopCondition) -> None:
        self.decoding = decoding
        self.ending = ending
        self.penalty = float(decoding.others.get("length_penalty", 1.0))
        # As many as leave enough to go on with, should the best ones all end.
        self.candidates = max(2, 1 + len(ending.ends)) * decoding.num_beams
        self.running: list[tuple[float, list[int]]] = [(0.0, [])]
        self.finished: list[tuple[float, list[int]]] = []

    @property
    def kind(self) -> Hashable:
        """By how many candidates a beam gives."""
        return ("beams", self.candidates)

    @property
    def width(self) -> int:
        """Running beams: one before the first token."""
        return len(self.running)

    def choose(self, logits: Sequence[torch.Tensor], together: Sequence[BeamSearch]) -> list[list[tuple[float, int]]]:
        """Log-probability and id of each beam's best tokens, the best first."""
        count = min(self.candidates, logits[0].shape[1])
        if logits[0].device.type == "cpu":
            # A row at a time, because it stays in the processor's cache.
            of_rows = [best_tokens(row, count) for rows in logits for row in rows]
            return [list(zip(scores.tolist(), ids.tolist(), strict=True)) for scores, ids in of_rows]
        all_rows = torch.cat(list(logits)).float()
        best, ids = all_rows.topk(count, dim=-1)
        scores = (best - all_rows.logsumexp(dim=-1, keepdim=True)).tolist()
        return [list(zip(*row, strict=True)) for row in zip(scores, ids.tolist(), strict=True)]

    def advance(self, choices: Choices) -> list[tuple[int, int]]:
        """The best candidates that don't end go on, until none of them can beat the finished ones."""
        grown = [
            (score + gain, beam, token)
            for beam, ((score, _), gains) in enumerate(zip(self.running, choices, strict=True))
            for gain, token in gains
        ]
        grown = sorted(grown, key=lambda one: -one[0])[: self.candidates]
        rows = [[*self.running[beam][1], token] for _, beam, token in grown]
        ended = [self.ending.should_stop(row) for row in rows]
        scaled = [score / len(row) ** self.penalty for (score, _, _), row in zip(grown, rows, strict=True)]
        beams = self.decoding.num_beams
        # Only the best `beams` candidates may finish; the others stand by.
        self.finished += [(scaled[place], rows[place]) for place in range(min(beams, len(rows))) if ended[place]]
        self.finished = sorted(self.finished, key=lambda one: -one[0])[:beams]
        on = [place for place in range(len(rows)) if not ended[place]][:beams]
        if len(self.finished) == beams and on and not scaled[on[0]] > self.finished[-1][0]:
            on = []
        self.running = [(grown[place][0], rows[place]) for place in on]
        return [(grown[place][1], grown[place][2]) for place in on]

    def outputs(self) -> list[list[int]]:
        """The best first."""
        return [row for _, row in self.finished[: self.decoding.branches]]
