"""Shared-prefix decoding: all outputs of a prompt from one prefill, greedy answers, samples and beams in lockstep.

Data flow: `DecodeRequest`s of equal prompts form `PrefillGroup`s; a batch of groups is prefilled into one KV cache; then every step
runs one token of each live sequence of the batch, as a branch of its prompt's tree, through the model. Sequences that agree so far share
a branch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import torch

from lm_eval_illusion.inference.batching import BatchLimits, batches
from lm_eval_illusion.inference.beam_search import BeamSearch
from lm_eval_illusion.inference.generation_config import Decoding
from lm_eval_illusion.inference.independent_sequences import IndependentSequences
from lm_eval_illusion.inference.prefix_cache import PrefixCache, Prompt, prefill
from lm_eval_illusion.inference.prefix_tree import PrefixBatch, PrefixTree
from lm_eval_illusion.inference.sequence_policy import Choices, SequencePolicy
from lm_eval_illusion.inference.stopping import StopCondition, end_tokens_of, stop_conditions

# Largest numbers of sequences after one prefill, and of rows of logits in one call of `choose`, which makes copies of them.
SEQUENCES_PER_PREFILL, ROWS_PER_CHOICE = 64, 64
# Cache slots are preallocated for this many steps, the token limit of our tasks; long thoughts seldom use their whole limit.
PREALLOCATED_STEPS = 64
# Other settings than length_penalty that a request may have, with the values that have no effect.
IGNORED_SETTINGS: dict[str, tuple[Any, ...]] = {"repetition_penalty": (1, None), "early_stopping": (False, None)}


class DecodeRequest(NamedTuple):
    """A prompt, its token ids, and its decoding settings."""

    ids: Prompt
    prompt: str
    decoding: Decoding


class PrefillGroup(NamedTuple):
    """A prompt's token ids and the sequence policies that start from its one prefill.

    Its sizes are computed once: whether a batch has room is asked of all its groups for each prompt that is added.
    """

    ids: Prompt
    policies: tuple[SequencePolicy, ...]
    max_branches: int
    """Upper limit of sequences in a step."""
    max_keys: int
    """Upper limit of keys in the cache: the prompt's and those of all sequences."""

    @classmethod
    def of(cls, ids: Prompt, policies: Sequence[SequencePolicy]) -> PrefillGroup:
        """Return the group of these policies."""
        keys = sum(policy.max_live * policy.decoding.max_new_tokens for policy in policies)
        return cls(ids, tuple(policies), sum(policy.max_live for policy in policies), len(ids) + keys)

    @property
    def free_slots(self) -> int:
        """Slots to preallocate: for the prompt's last token and `PREALLOCATED_STEPS` tokens of each sequence."""
        steps = (min(policy.decoding.max_new_tokens, PREALLOCATED_STEPS) for policy in self.policies)
        return 1 + sum(policy.max_live * count for policy, count in zip(self.policies, steps, strict=True))


class LivePolicy(NamedTuple):
    """A policy that is not done, and for each live sequence the index of its branch in the prompt's tree."""

    policy: SequencePolicy
    branches: list[int]


class Advanced(NamedTuple):
    """A prompt after a step: its live policies, and the next branches of its tree, each a token and the branch that it continues."""

    live: list[LivePolicy]
    tokens: list[int]
    parents: list[int]


def can_branch(decoding: Decoding) -> bool:
    """Return whether `decode_shared` supports these settings with the results of transformers: no penalties, no sampled beams."""
    others = {name: value for name, value in decoding.other_settings.items() if name != "length_penalty"}
    return (
        not (decoding.do_sample and decoding.num_beams > 1)
        and isinstance(decoding.other_settings.get("length_penalty", 1.0), (int, float))
        and all(value in IGNORED_SETTINGS.get(name, ()) for name, value in others.items())
    )


def decode_shared(
    requests: Sequence[DecodeRequest],
    model: Any,
    tokenizer: Any,
    *,
    limits: BatchLimits,
    prefix_cache: PrefixCache,
    device: torch.device,
    progress: Callable[[int], object] = lambda _: None,
) -> list[list[list[int]]]:
    """Decode requests that pass `can_branch`; return for each request the token ids of its outputs, the best beam first.

    An output includes the end token or the tokens of the stop string that ended it. `prefix_cache`: prompts that scoring has
    prefilled. `progress` gets the number of outputs finished by each batch. The caller sets inference mode and autocast.
    """
    conditions = stop_conditions([(request.prompt, request.decoding) for request in requests], tokenizer, end_tokens_of(model))
    policies = [_policies(request, stop) for request, stop in zip(requests, conditions, strict=True)]
    for batch in batches(_prefill_groups(requests, policies), lambda groups: _fits(groups, limits)):
        _decode(batch, _prefill_tree(batch, model, limits, prefix_cache, device))
        progress(sum(len(policy.outputs()) for group in batch for policy in group.policies))
    return [[ids for policy in request_policies for ids in policy.outputs()] for request_policies in policies]


def _policies(request: DecodeRequest, stop: StopCondition) -> list[SequencePolicy]:
    """Return the policies of a request: several if it has more samples than a prefill may have; samples do not depend on each other."""
    decoding = request.decoding
    if decoding.num_beams > 1:
        return [BeamSearch(decoding, stop)]
    samples = range(decoding.num_outputs)
    parts = [samples[start : start + SEQUENCES_PER_PREFILL] for start in range(0, len(samples), SEQUENCES_PER_PREFILL)]
    return [IndependentSequences(request.prompt, decoding, stop, part) for part in parts]


def _prefill_groups(requests: Sequence[DecodeRequest], policies: Sequence[Sequence[SequencePolicy]]) -> Iterator[PrefillGroup]:
    """Group policies by prompt, the longest prompts first; a prompt with very many sequences gets several groups."""
    by_prompt: dict[Prompt, list[SequencePolicy]] = defaultdict(list)
    for request, request_policies in zip(requests, policies, strict=True):
        by_prompt[request.ids] += request_policies
    for ids in sorted(by_prompt, key=lambda ids: (-len(ids), ids)):
        for part in batches(by_prompt[ids], lambda part: sum(policy.max_live for policy in part) <= SEQUENCES_PER_PREFILL):
            yield PrefillGroup.of(ids, part)


def _fits(groups: Sequence[PrefillGroup], limits: BatchLimits) -> bool:
    keys = len(groups) * max(group.max_keys for group in groups)
    branches = len(groups) * max(group.max_branches for group in groups)
    return keys <= limits.tokens and branches <= limits.logit_rows


def _prefill_tree(
    batch: Sequence[PrefillGroup], model: Any, limits: BatchLimits, prefix_cache: PrefixCache, device: torch.device
) -> PrefixTree:
    prompts = [group.ids for group in batch]
    free_slots = max(group.free_slots for group in batch)
    cache = prefill(model, prompts, device, limits.prefill_tokens, prefix_cache, free_slots)
    return PrefixTree(PrefixBatch(model, prompts, cache, device))


def _decode(batch: Sequence[PrefillGroup], tree: PrefixTree) -> None:
    """Run the policies of a batch until all are done."""
    logits = tree.step([group.ids[-1:] for group in batch], [[0] for _ in batch])
    # Every sequence starts at branch 0, the end of its prompt.
    rows = [[LivePolicy(policy, [0] * policy.num_live) for policy in group.policies] for group in batch]
    while True:
        choices = iter(_choose(logits, rows))
        # Free the logits before the next step allocates new ones: they may take a gigabyte.
        del logits
        advanced = [_advance(row, choices) for row in rows]
        remaining = [number for number, prompt in enumerate(advanced) if prompt.live]
        if not remaining:
            return
        if len(remaining) < len(rows):
            tree.select_rows(remaining)
        rows = [advanced[number].live for number in remaining]
        logits = tree.step(
            [advanced[number].tokens for number in remaining], [advanced[number].parents for number in remaining]
        )


def _choose(logits: torch.Tensor, rows: Sequence[Sequence[LivePolicy]]) -> list[Choices]:
    """Return the choices of each live policy, in the order of the rows; `logits`: [B, W, vocabulary]."""
    live = [(policy, branches, row_logits) for row_logits, row in zip(logits, rows, strict=True) for policy, branches in row]
    indices: dict[Hashable, list[int]] = defaultdict(list)
    for index, (policy, _, _) in enumerate(live):
        indices[policy.batch_key].append(index)
    choices: list[Choices] = [()] * len(live)
    for same_key in indices.values():
        for batch in batches(same_key, lambda batch: sum(len(live[index][1]) for index in batch) <= ROWS_PER_CHOICE):
            policies, branches, parts = zip(*(live[index] for index in batch), strict=True)
            selected = [_select_branches(part, numbers) for part, numbers in zip(parts, branches, strict=True)]
            chosen = iter(policies[0].choose(selected, policies))
            for index, numbers in zip(batch, branches, strict=True):
                choices[index] = list(islice(chosen, len(numbers)))
    return choices


def _select_branches(logits: torch.Tensor, branches: Sequence[int]) -> torch.Tensor:
    """Select [len(branches), vocabulary] from [W, vocabulary]: a view where the branches are adjacent."""
    first, count = branches[0], len(branches)
    return logits[first : first + count] if list(branches) == list(range(first, first + count)) else logits[list(branches)]


def _advance(row: Sequence[LivePolicy], choices: Iterator[Choices]) -> Advanced:
    """Advance the policies of one prompt. Sequences with the same tokens so far share a branch."""
    live: list[LivePolicy] = []
    branches: dict[tuple[int, int], int] = {}
    for policy, parents in row:
        continued = [(parents[index], token) for index, token in policy.advance(next(choices))]
        if continued:
            live.append(LivePolicy(policy, [branches.setdefault(branch, len(branches)) for branch in continued]))
    return Advanced(live, [token for _, token in branches], [parent for parent, _ in branches])
