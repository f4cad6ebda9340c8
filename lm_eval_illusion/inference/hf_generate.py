"""Plain decoding by `transformers.generate`: the fallback for models that can't share a prefix.

transformers decodes, with its own beam search, so that this module is also an independent reference for `generate`. This module adds
three things, so that neither batch size nor order changes an answer: settings come from the request alone, each sequence is stopped by
its own text, and sampling is seeded per prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
)

from lm_eval_illusion.inference.generation_config import Decoding
from lm_eval_illusion.inference.sampling import sample_tokens, seed_of
from lm_eval_illusion.inference.stopping import StopCondition, end_tokens_of, stop_conditions


def token_ids_only(config: GenerationConfig, tokenizer_end: int | None = None) -> GenerationConfig:
    """Return a generation config with the begin, end and padding tokens of `config` and no decoding settings.

    `tokenizer_end`: the tokenizer's end token, which ends an answer as well: `config` often names another one, such as that of a turn.
    """
    ends = config.eos_token_id if isinstance(config.eos_token_id, (list, tuple)) else [config.eos_token_id]
    known = [token for token in dict.fromkeys([*ends, tokenizer_end]) if token is not None]
    return GenerationConfig(bos_token_id=config.bos_token_id, eos_token_id=known or None, pad_token_id=config.pad_token_id)


def decode_batch(
    model: Any,
    tokenizer: Any,
    ids: torch.Tensor,
    attention_mask: torch.Tensor,
    prompts: Sequence[str],
    decoding: Decoding,
    use_cache: bool = True,
) -> list[list[int]]:
    """Decode a batch of prompts that have the same settings. The caller sets inference mode and autocast.

    `ids`, `attention_mask`: [B, L] int64 on the model's device, padded on the left. `use_cache`: see `can_use_cache`. Returns the generated
    ids of B x num_outputs outputs: those of a prompt next to each other, the best beam first, each up to the token that ends it.
    """
    start = ids.shape[1]
    settings = dict(decoding.other_settings)
    processors = LogitsProcessorList()
    if decoding.do_sample:
        ids = ids.repeat_interleave(decoding.num_outputs, dim=0)
        attention_mask = attention_mask.repeat_interleave(decoding.num_outputs, dim=0)
        processors.append(SeededSampling(prompts, decoding, start))
    elif decoding.num_beams > 1:
        settings |= {"num_beams": decoding.num_beams, "num_return_sequences": decoding.num_outputs}
    conditions = stop_conditions([(prompt, decoding) for prompt in prompts], tokenizer, end_tokens_of(model))
    generated: torch.Tensor = model.generate(
        input_ids=ids,
        attention_mask=attention_mask,
        max_new_tokens=decoding.max_new_tokens,
        do_sample=False,
        logits_processor=processors,
        stopping_criteria=StoppingCriteriaList([StopCriteria(conditions, start)]),
        # Only behind the end of an output, where it is cut off; the tokenizer's own may be none or have no embedding.
        pad_token_id=0,
        use_cache=use_cache,
        **settings,
    )
    outputs = generated[:, start:].tolist()
    return [_until_end(output, conditions[row // decoding.num_outputs]) for row, output in enumerate(outputs)]


def _until_end(output: Sequence[int], condition: StopCondition) -> list[int]:
    """Cut an output behind its end. transformers fills what follows with the padding token, an end token, or -1 where it has neither."""
    for length in range(1, len(output) + 1):
        if condition.should_stop(output[:length]):
            return list(output[:length])
    return list(output)


class StopCriteria(StoppingCriteria):  # type: ignore[misc]
    """Apply one `StopCondition` per prompt to the sequences of that prompt.

    It stores no state of a sequence, because beam search reorders the sequences.
    """

    def __init__(self, conditions: Sequence[StopCondition], start: int) -> None:
        """`start`: the length of the padded prompts."""
        self.conditions = conditions
        self.start = start

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        """Return [B x sequences] booleans: which sequences end with their last token."""
        generated = input_ids[:, self.start :].tolist()
        per_prompt = len(generated) // len(self.conditions)
        done = [self.conditions[number // per_prompt].should_stop(tokens) for number, tokens in enumerate(generated)]
        return torch.tensor(done, device=input_ids.device)


class SeededSampling(LogitsProcessor):  # type: ignore[misc]
    """Sample by `sample_tokens` and set all other logits to minus infinity, so that greedy decoding takes the sample."""

    def __init__(self, prompts: Sequence[str], decoding: Decoding, start: int) -> None:
        """`start`: the length of the padded prompts."""
        self.seeds = [seed_of(prompt, sample) for prompt in prompts for sample in range(decoding.num_outputs)]
        self.start = start
        self.decoding = decoding

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return [sequences, vocabulary] logits: 0 at the sampled token, minus infinity elsewhere."""
        step = input_ids.shape[1] - self.start
        sampled = torch.tensor(
            sample_tokens([scores], self.decoding, [seed + step for seed in self.seeds]), device=scores.device
        )
        return torch.full_like(scores, float("-inf")).scatter_(1, sampled[:, None], 0.0)
