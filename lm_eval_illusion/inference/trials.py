"""What the trials of a model have in common: tokens, the plain computation of their logits, and when two results are the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from lm_eval_illusion.inference.prefix_cache import padded
from lm_eval_illusion.inference.stopping import end_tokens_of
from lm_eval_illusion.memory import free_memory

# Differences of log-probabilities as shares of the largest one. Measured on 98 tiny architectures in float32: at most 8e-6 by rounding,
# at least 3e-3 by attention or positions that depend on the batch. In half precision rounding makes up to 3e-2, and more where it changes
# the choice of an expert.
ROUNDING, LARGEST_ROUNDING, LARGEST_ROUNDING_IN_HALF = 2e-5, 1e-3, 5e-2
# Two honest computations may differ by this many times the difference of two plain ones.
NOISE_FACTOR = 4
TOKENS_BEHIND = 5
HALF = (torch.float16, torch.bfloat16)
# Share of the free memory that a conversion to float32 may take.
FREE_SHARE = 0.7


def trial_tokens(model: Any, length: int, seed: int) -> tuple[int, ...]:
    """Return `length` pseudo-random token ids that neither end an answer nor are special tokens of the configuration."""
    config = model.config.get_text_config(decoder=True)
    named = [entry for part in (model.config, config) for entry in part.to_dict().items()]
    special = {value for name, value in named if "token" in name and isinstance(value, int)}.union(end_tokens_of(model))
    random = Random(seed)
    # The first ids of a vocabulary are often special.
    ids = [token for token in range(config.vocab_size // 8, config.vocab_size) if token not in special]
    return tuple(random.choice(ids) for _ in range(length))


def computing_dtype(model: Any, device: torch.device) -> torch.dtype:
    """Return the dtype in which the model multiplies matrices: autocast's within autocast."""
    dtype: torch.dtype = torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else model.dtype
    return dtype


@contextmanager
def in_float32(model: Any, device: torch.device) -> Iterator[None]:
    """Within the `with` statement, compute in float32, where 16-bit rounding does not hide a difference, if there is enough memory.

    Weights of 16 bits are converted and restored bit by bit. A quantised model, or one on several devices, stays as it is.
    """
    tensors = [part for part in (*model.parameters(), *model.buffers()) if part.dtype in HALF]
    extra = sum(part.numel() * 2 for part in tensors)
    single = {part.device.type for part in tensors} <= {device.type} and getattr(model, "hf_quantizer", None) is None
    if not tensors or not single or extra > FREE_SHARE * _free_memory(device):
        yield
        return
    dtypes = [part.dtype for part in tensors]
    with torch.autocast(device.type, enabled=False):
        try:
            for part in tensors:
                part.data = part.data.float()
            yield
        finally:
            for part, dtype in zip(tensors, dtypes, strict=True):
                part.data = part.data.to(dtype)


def _free_memory(device: torch.device) -> int:
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else free_memory()


def is_rounding(apart: torch.Tensor, model: Any, sequence: Sequence[int], device: torch.device) -> bool:
    """Return whether `differences`, [..., positions], are no more than rounding.

    In half precision rounding may change the choice of an expert at one position, while a wrong mask or position changes most of them:
    there the median of the positions counts. Where the dtype alone can't tell, the difference is compared with the one that a few tokens
    after `sequence` make to plain scoring: to a causal model they make none but by rounding.
    """
    dtype = computing_dtype(model, device)
    half = dtype in HALF
    value = float((apart.median(dim=-1).values if half else apart).amax())
    smallest, largest = (torch.finfo(dtype).eps, LARGEST_ROUNDING_IN_HALF) if half else (ROUNDING, LARGEST_ROUNDING)
    if not smallest < value <= largest:
        return value <= smallest
    more = [*sequence, *trial_tokens(model, TOKENS_BEHIND, 9)]
    count = min(len(sequence), 4)
    expected = scored_logits(model, [sequence], count, device)
    behind = scored_logits(model, [more], count + TOKENS_BEHIND, device)[:, :count]
    return value <= NOISE_FACTOR * float(differences(behind, expected).amax())


def scored_logits(model: Any, sequences: Sequence[Sequence[int]], last: int, device: torch.device) -> torch.Tensor:
    """Return the logits of the last `last` positions of each sequence as plain scoring computes them, [B, last, vocabulary] float32.

    One forward pass, padded on the right, without a mask. The caller sets inference mode and autocast.
    """
    logits = model(padded(sequences, device)).logits
    return torch.stack(
        [row[len(sequence) - last : len(sequence)] for row, sequence in zip(logits, sequences, strict=True)]
    ).float()


def generated_logits(
    model: Any, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], device: torch.device
) -> torch.Tensor:
    """Return the logits that predict each token of the answers, [B, n, vocabulary] float32, as plain generation computes them.

    transformers' `generate` with its cache, prompts padded on the left, the attention mask, and the n tokens of `answers` [B, n] forced.
    """
    ids, mask = left_padded(prompts, device)
    forced = ForcedTokens(torch.tensor(answers, device=device), ids.shape[1])
    settings = trial_settings(len(answers[0]))
    generated = model.generate(
        input_ids=ids, attention_mask=mask, logits_processor=LogitsProcessorList([forced]), generation_config=settings
    )
    return torch.stack(generated.logits, dim=1).float()


def trial_settings(tokens: int, num_beams: int = 1) -> GenerationConfig:
    """Return the settings of `generate` for a trial of so many tokens, which returns the logits of each step."""
    return GenerationConfig(
        max_new_tokens=tokens,
        min_new_tokens=tokens if num_beams > 1 else None,
        num_beams=num_beams,
        do_sample=False,
        pad_token_id=0,
        output_logits=True,
        return_dict_in_generate=True,
        use_cache=True,
    )


def left_padded(prompts: Sequence[Sequence[int]], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and attention mask of prompts as plain generation takes them, [B, longest] int64 each, padded on the left."""
    longest = max(map(len, prompts))
    ids = [[0] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
    mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


class ForcedTokens(LogitsProcessor):  # type: ignore[misc]
    """Let greedy decoding take given tokens."""

    def __init__(self, tokens: torch.Tensor, start: int) -> None:
        """`tokens`: [B, n] int64. `start`: the length of the padded prompts."""
        self.tokens = tokens
        self.start = start

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return logits [B, vocabulary]: 0 at the given token, minus infinity elsewhere."""
        token = self.tokens[:, input_ids.shape[1] - self.start]
        return torch.full_like(scores, float("-inf")).scatter_(1, token[:, None], 0.0)


def differences(logits: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """Return for each position the largest difference of log-probabilities as a share of the largest one; infinity where one is NaN.

    Both: [..., positions, vocabulary] float32. Returns [..., positions].
    """
    first, second = logits.log_softmax(-1), expected.log_softmax(-1)
    # Minus infinity in both is no difference.
    apart = torch.where(first == second, 0.0, (first - second).abs())
    scale = second.abs().where(second.isfinite(), 0.0).amax().clamp_min(1.0)
    return (apart.amax(dim=-1) / scale).nan_to_num(nan=float("inf"))
