"""Which models can read a prompt once for many branches: what their configuration says, and a test on a few tokens."""

from __future__ import annotations

import inspect
import logging
from textwrap import shorten
from typing import Any

import torch

from lm_eval_illusion.inference.prefix_cache import PrefixCache, padded, prefill
from lm_eval_illusion.inference.prefix_tree import PrefixBatch, after_prompts

logger = logging.getLogger(__name__)

# Rotary embeddings that change with the length of the sequence; up to the trained length they are constant.
GROWING_ROPES = ("dynamic", "longrope")
# What the configuration or the signature may say against it.
UNKNOWN = "its kind, an adapter, several devices, or attention that is neither sdpa nor eager"


def longest_shared(model: Any, max_length: int, device: torch.device) -> int:
    """Up to how many tokens a prompt and its answer may be for the prompt to be read once; 0 for never, which is logged.

    The caller sets inference mode and autocast.
    """
    longest = longest_unchanged(model, max_length)
    obstacle = obstacle_to_sharing(model, device) if longest else UNKNOWN
    if obstacle is None:
        return longest
    logger.warning(
        "%s is not known to share prompts (%s): each request reads its own, as with fast=off", type(model).__name__, obstacle
    )
    return 0


def longest_unchanged(model: Any, max_length: int) -> int:
    """Up to how many tokens every token sees all before it, at places that stay the same; 0 where that can't be told."""
    if not _can_be_told_what_to_see(model):
        return 0
    config = model.config.get_text_config()
    windows = [getattr(config, "sliding_window", None), getattr(config, "attention_chunk_size", None)]
    if _has_growing_rope(config):
        windows.append(getattr(config, "original_max_position_embeddings", None) or config.max_position_embeddings)
    return min([max_length, *(int(window) for window in windows if window)])


def _has_growing_rope(config: Any) -> bool:
    rope = getattr(config, "rope_parameters", None) or {}
    # One for all layers, or one for each kind of layer.
    kinds = [rope, *(kind for kind in rope.values() if isinstance(kind, dict))]
    return any(kind.get("rope_type") in GROWING_ROPES for kind in kinds)


def _can_be_told_what_to_see(model: Any) -> bool:
    takes = inspect.signature(model.forward).parameters
    return (
        not model.config.is_encoder_decoder
        and not hasattr(model, "peft_config")
        and len(set((getattr(model, "hf_device_map", None) or {"": 0}).values())) == 1
        and model.config._attn_implementation in ("sdpa", "eager")
        and {"position_ids", "past_key_values", "logits_to_keep"} <= set(takes)
    )


def obstacle_to_sharing(model: Any, device: torch.device) -> str | None:
    """What a trial on two short prompts met with; None where the model shares them rightly.

    A model that does not heed the mask or the positions differs by far; one of half precision by its rounding.
    """
    try:
        difference = max(_differences(model, device))
    except Exception as error:
        # However a model's code refuses masks, positions or a cache: it can't share, and whoever expected it to reads why.
        return f"{type(error).__name__}: {shorten(str(error), 200)}"
    half = model.dtype in (torch.float16, torch.bfloat16)
    return None if difference < (0.1 if half else 1e-3) else f"log-probabilities were {difference:.2g} apart in a trial"


def _differences(model: Any, device: torch.device) -> list[float]:
    """Two prompts of different lengths, each with two branches, against the four sequences in rows of their own."""
    vocabulary = model.config.get_text_config().vocab_size
    prompts = [tuple((7 * place + 3) % vocabulary for place in range(length)) for length in (9, 5)]
    branches = [[(11 * place + row + 5) % vocabulary for place in range(4)] for row in range(2)]
    states = prefill(model, prompts, device, most_tokens=99, memory=PrefixCache(0))
    shared = PrefixBatch(model, prompts, states, device)
    ids = torch.tensor([[prompt[-1], *branch] for prompt, branch in zip(prompts, branches, strict=True)], device=device)
    steps = torch.tensor([0, 1, 2, 1, 2], device=device)
    branch = torch.tensor([[0, 1, 1, 2, 2]] * 2, device=device)
    packed = shared.forward(ids, shared.lengths[:, None] - 1 + steps, after_prompts(shared, branch))
    sequences = [[*prompts[row], *branches[row][two : two + 2]] for row in range(2) for two in (0, 2)]
    alone = model(padded(sequences, device)).logits
    return [
        _difference(packed[number // 2, 2 * (number % 2) + 2], alone[number, len(sequence) - 1])
        for number, sequence in enumerate(sequences)
    ]


def _difference(one: torch.Tensor, other: torch.Tensor) -> float:
    """Mean absolute difference of log-probabilities of two [vocabulary] logits; infinite where one is NaN."""
    difference = (one.float().log_softmax(-1) - other.float().log_softmax(-1)).abs().mean()
    return float(difference.nan_to_num(nan=float("inf")))
