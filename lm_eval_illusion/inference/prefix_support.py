"""Check whether a model can share a prefix: by its configuration and signature, then by a trial on a few tokens."""

from __future__ import annotations

import inspect
import logging
from textwrap import shorten
from typing import Any

import torch

from lm_eval_illusion.inference.prefix_cache import PrefixCache, padded, prefill
from lm_eval_illusion.inference.prefix_tree import PrefixBatch, packed_visibility

logger = logging.getLogger(__name__)

# Rotary embeddings that change with the length of the sequence; up to the trained length they are constant.
GROWING_ROPES = ("dynamic", "longrope")
# The reason in the log if the configuration or the signature excludes a model.
UNSUPPORTED = "its kind, an adapter, several devices, or attention that is neither sdpa nor eager"


def max_shared_length(model: Any, max_length: int, device: torch.device) -> int:
    """Return the most tokens of a prompt and its answer with which the prompt can be shared; 0 for never, with a warning in the log.

    `max_length`: the model's window in tokens. The caller sets inference mode and autocast.
    """
    length = max_unchanged_length(model, max_length)
    obstacle = obstacle_to_sharing(model, device) if length else UNSUPPORTED
    if obstacle is None:
        return length
    logger.warning(
        "%s is not known to share prompts (%s): each request prefills its own, as with fast=off", type(model).__name__, obstacle
    )
    return 0


def max_unchanged_length(model: Any, max_length: int) -> int:
    """Return the most tokens up to which each token sees all earlier ones at constant positions; 0 if the model lacks the inputs."""
    if not _takes_mask_and_positions(model):
        return 0
    config = model.config.get_text_config()
    windows = [getattr(config, "sliding_window", None), getattr(config, "attention_chunk_size", None)]
    if _has_growing_rope(config):
        windows.append(getattr(config, "original_max_position_embeddings", None) or config.max_position_embeddings)
    return min([max_length, *(int(window) for window in windows if window)])


def _has_growing_rope(config: Any) -> bool:
    rope = getattr(config, "rope_parameters", None) or {}
    # Parameters of all layers, or a mapping from kinds of layers to parameters.
    kinds = [rope, *(kind for kind in rope.values() if isinstance(kind, dict))]
    return any(kind.get("rope_type") in GROWING_ROPES for kind in kinds)


def _takes_mask_and_positions(model: Any) -> bool:
    parameters = inspect.signature(model.forward).parameters
    return (
        not model.config.is_encoder_decoder
        and not hasattr(model, "peft_config")
        and len(set((getattr(model, "hf_device_map", None) or {"": 0}).values())) == 1
        and model.config._attn_implementation in ("sdpa", "eager")
        and {"position_ids", "past_key_values", "logits_to_keep"} <= set(parameters)
    )


def obstacle_to_sharing(model: Any, device: torch.device) -> str | None:
    """Share two short prompts as a trial; return the error or the difference as text, None if the model shares them correctly.

    A model that ignores the mask or the positions differs by far more than rounding in half precision does. The caller sets inference
    mode and autocast.
    """
    try:
        difference = max(_differences(model, device))
    except Exception as error:
        # Model code may refuse masks, positions or a cache by any exception; the user reads its text in the log.
        return f"{type(error).__name__}: {shorten(str(error), 200)}"
    half = model.dtype in (torch.float16, torch.bfloat16)
    return None if difference < (0.1 if half else 1e-3) else f"log-probabilities were {difference:.2g} apart in a trial"


def _differences(model: Any, device: torch.device) -> list[float]:
    """Compare two prompts of different lengths, with two branches each, with the same four sequences in separate rows."""
    vocabulary = model.config.get_text_config().vocab_size
    prompts = [tuple((7 * index + 3) % vocabulary for index in range(length)) for length in (9, 5)]
    # Per prompt two branches of two tokens.
    branches = [[(11 * index + row + 5) % vocabulary for index in range(4)] for row in range(2)]
    cache = prefill(model, prompts, device, max_tokens=99, prefix_cache=PrefixCache(0))
    shared = PrefixBatch(model, prompts, cache, device)
    ids = torch.tensor([[prompt[-1], *tokens] for prompt, tokens in zip(prompts, branches, strict=True)], device=device)
    steps = torch.tensor([0, 1, 2, 1, 2], device=device)
    branch = torch.tensor([[0, 1, 1, 2, 2]] * 2, device=device)
    packed = shared.forward(ids, shared.lengths[:, None] - 1 + steps, packed_visibility(shared, branch))
    sequences = [[*prompts[row], *branches[row][start : start + 2]] for row in range(2) for start in (0, 2)]
    alone = model(padded(sequences, device)).logits
    return [
        _difference(packed[number // 2, 2 * (number % 2) + 2], alone[number, len(sequence) - 1])
        for number, sequence in enumerate(sequences)
    ]


def _difference(logits: torch.Tensor, expected: torch.Tensor) -> float:
    """Return the mean absolute difference of log-probabilities of two [vocabulary] logits; infinity where one is NaN."""
    difference = (logits.float().log_softmax(-1) - expected.float().log_softmax(-1)).abs().mean()
    return float(difference.nan_to_num(nan=float("inf")))
