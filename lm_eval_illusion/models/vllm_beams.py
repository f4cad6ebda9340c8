"""Beam search with vLLM's log-probabilities, by the rules of `inference.beam_search`.

vLLM's own `beam_search` has other rules: an end token of any rank ends a hypothesis, the search goes on to the token limit, and only the
end token of the tokenizer ends a beam, not the end of a line. Its beams would not be those of pruned-hf.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lm_eval_illusion.inference.beam_search import BeamSearch

BeamChoices = list[tuple[float, int]]
"""Log-probability and id of the likeliest next tokens, the best first."""


def search_beams(
    prompts: Sequence[Sequence[int]],
    searches: Sequence[BeamSearch],
    next_tokens: Callable[[list[list[int]], list[int]], list[BeamChoices]],
) -> None:
    """Run the searches in lockstep until all are done.

    `prompts`: the token ids that each search continues. `next_tokens`: sequences of ids and a number k for each -> for each sequence the k
    likeliest next tokens.
    """
    while live := [(prompt, search) for prompt, search in zip(prompts, searches, strict=True) if search.num_live]:
        sequences = [[*prompt, *beam.tokens] for prompt, search in live for beam in search.live]
        counts = [search.num_candidates for _, search in live for _ in search.live]
        choices = iter(next_tokens(sequences, counts))
        for _, search in live:
            search.advance([next(choices) for _ in range(search.num_live)])


def likeliest_first(logprobs: Mapping[int, Any], count: int) -> BeamChoices:
    """Return the `count` likeliest of the tokens that vLLM lists for one place; of equal ones the one that vLLM lists first."""
    return sorted(((entry.logprob, token) for token, entry in logprobs.items()), key=lambda pair: -pair[0])[:count]
