"""Generation for `pruned-hf`: greedy, the k best beams, k seeded samples, each row with a stop of its own.

transformers' `generate` does the decoding. What is ours: the settings come from the request alone, a row stops by its own text, and
sampling depends on prompt and sample number only, so that neither batch size nor order changes an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import (
    GenerationConfig,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
)

from lm_eval_illusion.inference.sampling import SeededSampling
from lm_eval_illusion.reasoning import BEGIN, ReasoningSpec, answer_after_thoughts


@dataclass(frozen=True)
class Decoding:
    """One way of decoding. `branches`: outputs a prompt, k for beams and samples, 1 for greedy.

    `others`: settings that go to transformers as they are (repetition_penalty, length_penalty, ...). `thoughts`: of prompts under a chat
    template; None for plain ones, whose answer begins with the first token.
    """

    stops: tuple[str, ...]
    max_new_tokens: int
    do_sample: bool
    temperature: float
    top_k: int
    top_p: float
    num_beams: int
    branches: int
    others: dict[str, Any]
    thoughts: ReasoningSpec | None = None

    @property
    def most_tokens(self) -> int:
        """The answer's tokens and, of chat models that think, the thought's."""
        return self.max_new_tokens + (self.thoughts.max_tokens if self.thoughts else 0)


def read_decoding(
    settings: dict[str, Any], repeats: int, default_tokens: int, thoughts: ReasoningSpec | None = None
) -> Decoding:
    """A request's generation settings (`generation_kwargs` of the task) and how often it is repeated.

    `default_tokens`: the length where the task gives none.
    """
    from lm_eval.models.utils import normalize_gen_kwargs

    left = normalize_gen_kwargs(settings, default_tokens)
    beams = int(left.pop("num_beams", 1))
    sampled = bool(left.pop("do_sample", False))
    # More beams are asked of transformers only as far as somebody wants them; a greedy answer asked twice is one answer.
    branches = repeats if sampled else min(repeats, beams)
    return Decoding(
        stops=tuple(stop for stop in left.pop("until", []) if stop),
        max_new_tokens=left.pop("max_gen_toks"),
        do_sample=sampled,
        temperature=float(left.pop("temperature", 1.0)),
        top_k=int(left.pop("top_k", None) or 0),
        top_p=float(left.pop("top_p", None) or 1.0),
        num_beams=beams,
        branches=branches,
        others=left,
        thoughts=thoughts,
    )


def token_ids_only(config: GenerationConfig) -> GenerationConfig:
    """A fresh generation config that keeps only which tokens begin, end and pad: facts of the model, not ways of decoding."""
    return GenerationConfig(
        bos_token_id=config.bos_token_id, eos_token_id=config.eos_token_id, pad_token_id=config.pad_token_id
    )


def decode_batch(
    model: Any,
    tokenizer: Any,
    ids: torch.Tensor,
    attention_mask: torch.Tensor,
    prompts: Sequence[str],
    decoding: Decoding,
) -> torch.Tensor:
    """Generated ids, [len(prompts) x branches, new tokens], the branches of a prompt together, the best beam first.

    `ids`, `attention_mask`: [len(prompts), L], padded on the left.
    """
    start = ids.shape[1]
    options: dict[str, Any] = dict(decoding.others)
    processors = LogitsProcessorList()
    if decoding.do_sample:
        ids = ids.repeat_interleave(decoding.branches, dim=0)
        attention_mask = attention_mask.repeat_interleave(decoding.branches, dim=0)
        processors.append(SeededSampling(prompts, decoding, start))
    elif decoding.num_beams > 1:
        options |= {"num_beams": decoding.num_beams, "num_return_sequences": decoding.branches}
    generated: torch.Tensor = model.generate(
        input_ids=ids,
        attention_mask=attention_mask,
        max_new_tokens=decoding.most_tokens,
        do_sample=False,
        logits_processor=processors,
        stopping_criteria=StoppingCriteriaList(_stops(tokenizer, prompts, decoding, start)),
        pad_token_id=tokenizer.pad_token_id,
        use_cache=True,
        **options,
    )
    return generated[:, start:]


def thought_is_open(prompt: str) -> bool:
    """Whether a chat template ends its prompt within a thought, as DeepSeek-R1's does."""
    return prompt.rstrip().endswith(BEGIN)


def visible_answer(tokenizer: Any, ids: list[int], thoughts: ReasoningSpec, is_open: bool) -> str | None:
    """The answer so far in generated ids, without thoughts and leading space; None while a thought goes on."""
    if isinstance(thoughts.end, int):
        if thoughts.end in ids:
            last = len(ids) - 1 - ids[::-1].index(thoughts.end)
            return str(tokenizer.decode(ids[last + 1 :], skip_special_tokens=True)).lstrip()
        answer = answer_after_thoughts(tokenizer.decode(ids, skip_special_tokens=True), is_open=is_open)
    else:
        answer = answer_after_thoughts(tokenizer.decode(ids, skip_special_tokens=True), thoughts.end, is_open)
    return answer if answer is None else answer.lstrip()


def chat_answer_is_done(tokenizer: Any, ids: list[int], decoding: Decoding, thoughts: ReasoningSpec, is_open: bool) -> bool:
    """Whether a stop string stands in the answer among generated ids, or the answer, or the thought before it, is long enough."""
    answer = visible_answer(tokenizer, ids, thoughts, is_open)
    if answer is None:
        return len(ids) >= thoughts.max_tokens
    if any(stop in answer for stop in decoding.stops):
        return True
    # No longer than the whole; counted anew only where a thought may stand before it.
    most = decoding.max_new_tokens
    return len(ids) >= most and len(tokenizer.encode(answer, add_special_tokens=False)) >= most


def _stops(tokenizer: Any, prompts: Sequence[str], decoding: Decoding, start: int) -> list[StoppingCriteria]:
    if decoding.thoughts is not None:
        return [ChatStopCriteria(tokenizer, prompts, decoding, decoding.thoughts, start)]
    return [StopStringsCriteria(tokenizer, decoding.stops, start)] if decoding.stops else []


class StopStringsCriteria(StoppingCriteria):  # type: ignore[misc]
    """StopCondition a row when a stop string stands in what it generated; holds for rows that beam search moves about, too."""

    def __init__(self, tokenizer: Any, stops: Sequence[str], start: int) -> None:
        self.tokenizer = tokenizer
        self.stops = stops
        self.start = start
        # A stop string may be spread over as many tokens as it has bytes, and begin within one more.
        self.tail = max(len(stop.encode()) for stop in stops) + 1

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        """[rows] booleans: which rows are done."""
        tails = input_ids[:, self.start :][:, -self.tail :]
        texts = self.tokenizer.batch_decode(tails, skip_special_tokens=True)
        done = [any(stop in text for stop in self.stops) for text in texts]
        return torch.tensor(done, device=input_ids.device)


class ChatStopCriteria(StoppingCriteria):  # type: ignore[misc]
    """StopCondition a row when a stop string stands in its answer, when the answer is long enough, or when its thought is too long.

    A chat model often begins with a line break, and its thought is full of them: neither ends the answer. Holds nothing about rows, because
    beam search moves them about.
    """

    def __init__(self, tokenizer: Any, prompts: Sequence[str], decoding: Decoding, thoughts: ReasoningSpec, start: int) -> None:
        self.tokenizer = tokenizer
        self.is_open = [thought_is_open(prompt) for prompt in prompts]
        self.decoding = decoding
        self.thoughts = thoughts
        self.start = start

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        """[rows] booleans: which rows are done."""
        rows = input_ids[:, self.start :].tolist()
        a_prompt = len(rows) // len(self.is_open)
        done = [
            chat_answer_is_done(self.tokenizer, ids, self.decoding, self.thoughts, self.is_open[row // a_prompt])
            for row, ids in enumerate(rows)
        ]
        return torch.tensor(done, device=input_ids.device)
