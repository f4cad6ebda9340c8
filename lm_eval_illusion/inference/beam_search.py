"""Beam search of one prompt: the best continuations of all live beams compete in every step."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import torch

from lm_eval_illusion.inference.generation_config import Decoding
from lm_eval_illusion.inference.sampling import best_tokens
from lm_eval_illusion.inference.sequence_policy import Choices
from lm_eval_illusion.inference.stopping import StopCondition


class Hypothesis(NamedTuple):
    """A beam: the sum of its tokens' log-probabilities (finished ones: divided by length^penalty), and its tokens."""

    score: float
    tokens: list[int]


class BeamSearch:
    """Beam search with the candidates, scores, length penalty and end of transformers' beam search (early_stopping=False).

    Score of a finished hypothesis: sum of log-probabilities / length^penalty (Wu et al. 2016, arXiv 1609.08144, with this simpler
    penalty). The search ends when the best live beam, scored at its present length, can't beat the worst of `num_beams` finished ones.
    """

    def __init__(self, decoding: Decoding, stop: StopCondition) -> None:
        self.decoding = decoding
        self.stop = stop
        self.length_penalty = float(decoding.other_settings.get("length_penalty", 1.0))
        # Keep enough candidates that `num_beams` remain if the best ones all end.
        self.num_candidates = max(2, 1 + len(stop.end_tokens)) * decoding.num_beams
        self.live = [Hypothesis(0.0, [])]
        self.finished: list[Hypothesis] = []

    @property
    def batch_key(self) -> Hashable:
        """One key for all searches with the same number of candidates."""
        return ("beams", self.num_candidates)

    @property
    def max_live(self) -> int:
        """The number of beams."""
        return self.decoding.num_beams

    @property
    def num_live(self) -> int:
        """The number of live beams: one before the first token."""
        return len(self.live)

    def choose(self, logits: Sequence[torch.Tensor], policies: Sequence[BeamSearch]) -> list[list[tuple[float, int]]]:
        """Return log-probability and id of the best tokens of each live beam, the best first."""
        count = min(self.num_candidates, logits[0].shape[1])
        if logits[0].device.type == "cpu":
            # Row by row, because a row stays in the CPU's cache.
            per_row = [best_tokens(row, count) for rows in logits for row in rows]
            return [list(zip(scores.tolist(), ids.tolist(), strict=True)) for scores, ids in per_row]
        rows = torch.cat(list(logits)).float()
        best, ids = rows.topk(count, dim=-1)
        scores = (best - rows.logsumexp(dim=-1, keepdim=True)).tolist()
        return [list(zip(*row, strict=True)) for row in zip(scores, ids.tolist(), strict=True)]

    def advance(self, choices: Choices) -> list[tuple[int, int]]:
        """Keep the best candidates that do not end; finish the search when none of them can beat the finished hypotheses."""
        candidates = [
            (beam.score + log_probability, index, token)
            for index, (beam, best) in enumerate(zip(self.live, choices, strict=True))
            for log_probability, token in best
        ]
        candidates = sorted(candidates, key=lambda candidate: -candidate[0])[: self.num_candidates]
        sequences = [[*self.live[index].tokens, token] for _, index, token in candidates]
        stops = [self.stop.should_stop(tokens) for tokens in sequences]
        normalized = [
            score / len(tokens) ** self.length_penalty for (score, _, _), tokens in zip(candidates, sequences, strict=True)
        ]
        num_beams = self.decoding.num_beams
        # Only the best `num_beams` candidates may finish; the others are replacements for those that end.
        self.finished += [
            Hypothesis(normalized[rank], sequences[rank]) for rank in range(min(num_beams, len(sequences))) if stops[rank]
        ]
        self.finished = sorted(self.finished, key=lambda hypothesis: -hypothesis.score)[:num_beams]
        continued = [rank for rank in range(len(sequences)) if not stops[rank]][:num_beams]
        if len(self.finished) == num_beams and continued and not normalized[continued[0]] > self.finished[-1].score:
            continued = []
        self.live = [Hypothesis(candidates[rank][0], sequences[rank]) for rank in continued]
        return [(candidates[rank][1], candidates[rank][2]) for rank in continued]

    def outputs(self) -> list[list[int]]:
        """Return the tokens of the best `num_outputs` finished hypotheses, the best first."""
        return [hypothesis.tokens for hypothesis in self.finished[: self.decoding.num_outputs]]
