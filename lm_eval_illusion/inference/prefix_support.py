"""Check whether a model can share a prefix: its configuration and signature, its structure, then a trial against plain computation."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator, Sequence
from textwrap import shorten
from typing import Any

import torch

from lm_eval_illusion.inference.attention_probe import obstacle_in_structure
from lm_eval_illusion.inference.context_lengths import (
    ANSWER,
    SHORTEST,
    TRIAL_BUDGET,
    possible_windows,
    rope_limit,
    trial_lengths,
    window_of_masks,
)
from lm_eval_illusion.inference.prefix_cache import PrefixCache, Prompt, padded, prefill
from lm_eval_illusion.inference.prefix_tree import PrefixBatch, PrefixTree, packed_visibility
from lm_eval_illusion.inference.trials import (
    HALF,
    LARGEST_ROUNDING_IN_HALF,
    computing_dtype,
    differences,
    generated_logits,
    is_rounding,
    scored_logits,
    trial_tokens,
)

logger = logging.getLogger(__name__)

# The reason in the log if the configuration or the signature excludes a model.
UNSUPPORTED = "its kind, an adapter, several devices, or attention that is neither sdpa nor eager"
# Tokens of the short prompts of a trial, and of each branch after a prompt.
SHORT, SHORTER, BRANCH = 7, 5, 3


def max_shared_length(model: Any, max_length: int, device: torch.device) -> int:
    """Return the most tokens of a prompt and its answer with which the prompt can be shared; 0 for never, with a warning in the log.

    `max_length`: the model's window in tokens. The caller sets inference mode and autocast.
    """
    prompt, limit = trial_lengths(possible_windows(model), max_unchanged_length(model, max_length))
    if limit and has_foreign_code(model):
        # Such code may hold a window in a constant: only what the trial covers is known.
        prompt = max(prompt, min(TRIAL_BUDGET, limit - ANSWER))
        limit = min(limit, prompt + ANSWER)
    obstacle = obstacle_to_sharing(model, device, prompt) if limit else UNSUPPORTED
    if obstacle is None:
        return limit
    logger.warning(
        "%s is not known to share prompts (%s): each request prefills its own, as with fast=off", type(model).__name__, obstacle
    )
    return 0


def has_foreign_code(model: Any) -> bool:
    """Return whether a module of the model is neither transformers' nor torch's: a model with code of its own (trust_remote_code)."""
    return any(type(module).__module__.partition(".")[0] not in ("torch", "transformers") for module in model.modules())


def max_unchanged_length(model: Any, max_length: int) -> int:
    """Return the most tokens up to which each token sees all earlier ones at constant positions; 0 if the model lacks the inputs."""
    if not _takes_mask_and_positions(model):
        return 0
    config = model.config.get_text_config(decoder=True)
    limits = (max_length, window_of_masks(config), rope_limit(config))
    return min(limit for limit in limits if limit is not None)


def _takes_mask_and_positions(model: Any) -> bool:
    parameters = inspect.signature(model.forward).parameters
    return (
        not model.config.is_encoder_decoder
        and not hasattr(model, "peft_config")
        and len(set((getattr(model, "hf_device_map", None) or {"": 0}).values())) == 1
        and model.config._attn_implementation in ("sdpa", "eager")
        and {"position_ids", "past_key_values", "logits_to_keep"} <= set(parameters)
    )


def obstacle_to_sharing(model: Any, device: torch.device, prompt_length: int = SHORTEST) -> str | None:
    """Share two prompts as a trial; return what prevents it as text, None if the model shares them correctly.

    First the structure of attention is checked. Then a prompt of `prompt_length` tokens is shared beside a short one, in scoring and in
    decoding, and compared with each sequence alone. A model's code may refuse a mask, positions or a cache by any exception;
    the user reads its text in the log. The caller sets inference mode and autocast.
    """
    try:
        return obstacle_in_attention(model, device, prompt_length) or _obstacle_in_results(model, device, prompt_length)
    except Exception as error:
        return f"{type(error).__name__}: {shorten(str(error), 200)}"


def obstacle_in_attention(model: Any, device: torch.device, prompt_length: int = SHORT) -> str | None:
    """Return what else than attention by a given mask decides in this model which tokens a token sees; None if nothing does.

    `prompt_length`: tokens of the longer one of two prompts.

    Raises:
        Exception: Whatever the model's code raises for a mask of four dimensions and a foreign cache.
    """
    prompts = [trial_tokens(model, length, length) for length in (prompt_length, min(SHORTER, prompt_length))]
    branches = [_branches(model, row) for row in range(2)]
    cache = prefill(model, prompts, device, 2 * prompt_length, PrefixCache(0))
    return obstacle_in_structure(model, lambda: _packed_logits(PrefixBatch(model, prompts, cache, device), prompts, branches))


def _obstacle_in_results(model: Any, device: torch.device, prompt_length: int) -> str | None:
    lengths = (prompt_length, min(SHORT, prompt_length))
    prompts = [trial_tokens(model, length, row) for row, length in enumerate(lengths)]
    branches = [_branches(model, row) for row in range(2)]
    stored = PrefixCache(sum(lengths))
    cache = prefill(model, prompts, device, 2 * prompt_length, PrefixCache(0))
    for row, prompt in enumerate(prompts):
        stored.keep(prompt, cache.states(row, len(prompt) - 1))
    packed = _packed_logits(PrefixBatch(model, prompts, cache, device), prompts, branches)
    cache = prefill(model, prompts, device, 2 * prompt_length, stored)
    decoded = _decoded_logits(PrefixTree(PrefixBatch(model, prompts, cache, device)), prompts, branches)
    for prompt, branch, scored, generated in _compared(prompts, branches, packed, decoded):
        sequence = [*prompt, *branch]
        alone = scored_logits(model, [sequence], BRANCH + 1, device)[0]
        # A fourth token, so that `generate` computes the logits behind the third.
        generated_alone = generated_logits(model, [prompt], [[*branch, branch[0]]], device)[0]
        apart = torch.stack([differences(scored, alone), differences(generated, generated_alone)])
        if not _is_shared_correctly(apart, model, sequence, device):
            return f"log-probabilities were {float(apart.amax()):.2g} of their size apart in a trial"
    return None


def _is_shared_correctly(apart: torch.Tensor, model: Any, sequence: Sequence[int], device: torch.device) -> bool:
    """Return whether differences [2, positions] of scoring and of decoding are rounding.

    In half precision a fixed limit is enough, because the structure of attention was checked exactly; and models with experts differ by
    more than the noise of a few positions shows.
    """
    if computing_dtype(model, device) in HALF:
        return float(apart.median(dim=1).values.amax()) <= LARGEST_ROUNDING_IN_HALF
    return is_rounding(apart, model, sequence, device)


def _branches(model: Any, row: int) -> list[Prompt]:
    """Return two different branches of a prompt."""
    return [trial_tokens(model, BRANCH, 10 + 2 * row + number) for number in range(2)]


def _compared(
    prompts: list[Prompt], branches: list[list[Prompt]], packed: torch.Tensor, decoded: torch.Tensor
) -> Iterator[tuple[Prompt, Prompt, torch.Tensor, torch.Tensor]]:
    """Yield a prompt, a branch of it and both kinds of logits: the second branch of the long prompt, both of the short one."""
    for row, number in ((1, 0), (1, 1), (0, 1)):
        yield prompts[row], branches[row][number], packed[row, number], decoded[row, number]


def _packed_logits(shared: PrefixBatch, prompts: list[Prompt], branches: list[list[Prompt]]) -> torch.Tensor:
    """Return the logits behind a prompt and each token of its branches, [B, 2, 1 + BRANCH, vocabulary], as shared scoring does."""
    device = shared.device
    ids = padded([[prompt[-1], *first, *second] for prompt, (first, second) in zip(prompts, branches, strict=True)], device)
    steps = torch.tensor([0, *range(1, BRANCH + 1), *range(1, BRANCH + 1)], device=device)
    branch = torch.tensor([[0] + [1] * BRANCH + [2] * BRANCH] * len(prompts), device=device)
    logits = shared.forward(ids, shared.lengths[:, None] - 1 + steps, packed_visibility(shared, branch)).float()
    first, second = logits[:, : 1 + BRANCH], torch.cat([logits[:, :1], logits[:, 1 + BRANCH :]], dim=1)
    return torch.stack([first, second], dim=1)


def _decoded_logits(tree: PrefixTree, prompts: list[Prompt], branches: list[list[Prompt]]) -> torch.Tensor:
    """Return the same logits as shared decoding computes them: step by step, with a compaction and branches that change places."""
    rows = len(prompts)
    logits = tree.step([prompt[-1:] for prompt in prompts], [[0]] * rows)
    steps = [logits.expand(-1, 2, -1)]
    for step in range(BRANCH):
        # The branches are in their order in even steps and in reverse in odd ones.
        order = (0, 1) if step % 2 == 0 else (1, 0)
        logits = tree.step(
            [[pair[number][step] for number in order] for pair in branches], [[0, 0] if step == 0 else [1, 0]] * rows
        )
        steps.append(logits[:, list(order)])
        tree.compact()
    return torch.stack(steps, dim=2).float()
