"""Check whether a model's results depend on what else is in the batch: one sequence alone against the same one in a padded batch."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from textwrap import shorten
from typing import Any

import torch

from lm_eval_illusion.inference.context_lengths import ANSWER, SHORTEST, possible_windows, rope_limit, trial_lengths
from lm_eval_illusion.inference.prefix_cache import Prompt
from lm_eval_illusion.inference.prefix_support import has_foreign_code, obstacle_in_attention
from lm_eval_illusion.inference.trials import (
    HALF,
    computing_dtype,
    differences,
    generated_logits,
    in_float32,
    is_rounding,
    left_padded,
    scored_logits,
    trial_settings,
    trial_tokens,
)

logger = logging.getLogger(__name__)

# Tokens of the short prompt, and those by which the longest prompt is longer than the next one.
SHORT, LONGER = 9, 16
# Tokens of the longest prompt of a model whose layers compute something else than attention by transformers' masks.
UNKNOWN_LENGTH = 512
BEAMS = 2


def max_batched_length(model: Any, max_length: int, device: torch.device) -> int:
    """Return the most tokens of sequences, padding and answer included, that a batch of several prompts may have.

    0: each prompt has to run alone, with a warning in the log. `max_length`: the model's window in tokens. A possible window that is too
    long for a trial bounds the length, and so does the trial itself where other code than transformers' masks decides what a token sees.
    The caller sets inference mode and autocast.
    """
    name = type(model).__name__
    rope = rope_limit(model.config.get_text_config(decoder=True))
    windows = [*possible_windows(model), *([rope] if rope else [])]
    lengths = trial_lengths(windows, max_length)
    prompt, limit = lengths.prompt, lengths.limit
    if _is_unknown(model, device):
        prompt = max(prompt, UNKNOWN_LENGTH)
        limit = min(limit, prompt + LONGER + ANSWER)
    with in_float32(model, device):
        reason = dependence(model, max(1, min(prompt, max_length - LONGER - ANSWER)), max_length, device)
    if reason is not None:
        logger.warning("%s depends on the other sequences of its batch (%s): each prompt runs alone", name, reason)
        return 0
    if limit < max_length:
        logger.info("%s may depend on the batch beyond %s tokens: longer prompts run alone", name, limit)
    return limit


def _is_unknown(model: Any, device: torch.device) -> bool:
    """Return whether anything but attention by a given mask decides what a token sees, or may do so in code of the model's own."""
    try:
        return has_foreign_code(model) or obstacle_in_attention(model, device) is not None
    except Exception:
        # Code that refuses a mask of four dimensions or a foreign cache, by whatever exception, is not transformers' common attention.
        return True


def dependence(model: Any, prompt_length: int, max_length: int, device: torch.device) -> str | None:
    """Compare prompts alone with the same in a padded batch; return how they differ as text, None if they do not.

    A prompt of `prompt_length` tokens and a short one stand beside a longer one: in plain scoring, padded on the right without a
    mask; in plain generation, padded on the left with a mask; and as beams, for which the ends of the prompts are enough. What the
    model can't do for a prompt alone is left out: the run itself will say so.
    """
    longest = max(1, min(prompt_length + LONGER, max_length - ANSWER))
    lengths = [min(length, longest) for length in (longest, prompt_length, SHORT)]
    prompts = [trial_tokens(model, length, number) for number, length in enumerate(lengths)]
    answers = [trial_tokens(model, ANSWER, 20 + number) for number in range(len(lengths))]
    sequences = [(*prompt, *answer[:-1]) for prompt, answer in zip(prompts, answers, strict=True)]

    def scores(rows: slice) -> torch.Tensor:
        return scored_logits(model, sequences[rows], ANSWER, device)

    def generation(rows: slice) -> torch.Tensor:
        return generated_logits(model, prompts[rows], answers[rows], device)

    def beams(rows: slice) -> torch.Tensor:
        return _beam_logits(model, [prompt[-SHORTEST:] for prompt in prompts[rows]], device)

    kinds = [scores, generation]
    if computing_dtype(model, device) not in HALF:
        # In half precision rounding often exchanges beams.
        kinds.append(beams)
    for compute in kinds:
        try:
            alone = torch.cat([compute(slice(row, row + 1)) for row in range(1, len(lengths))])
        except Exception:
            # Any exception of the model's code, such as beam search with a state that can't be reordered.
            continue
        try:
            apart = differences(compute(slice(len(lengths)))[1:], alone)
        except Exception as error:
            return f"{type(error).__name__}: {shorten(str(error), 200)}"
        if not is_rounding(apart, model, sequences[1], device):
            return f"{compute.__name__} differed by {float(apart.amax()):.2g} of the log-probability in a trial"
    return None


def _beam_logits(model: Any, prompts: Sequence[Prompt], device: torch.device) -> torch.Tensor:
    """Return the logits before each step of beam search, all beams of a prompt side by side, [B, BEAMS, ANSWER, vocabulary] float32."""
    ids, mask = left_padded(prompts, device)
    found = model.generate(input_ids=ids, attention_mask=mask, generation_config=trial_settings(ANSWER, BEAMS))
    logits = torch.stack(found.logits, dim=1).float()
    return logits.reshape(len(prompts), BEAMS, *logits.shape[1:])
