"""Decoding settings of lm_eval's generation requests, and the grouping of requests that are repeats of one request."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from lm_eval_illusion.reasoning import ReasoningSpec

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance


BEYOND_VOCABULARIES = 2**30
"""A `top_k` of so many tokens and more keeps all of them."""


@dataclass(frozen=True)
class Decoding:
    """Decoding settings of one request.

    `stop_strings` end an answer. `max_answer_tokens`: the answer's limit, without a thought before it. `top_k` 0 and `top_p` 1.0 cut
    nothing. `num_outputs`: outputs per prompt: k samples, the k best beams, or 1 greedy answer. `other_settings` go to transformers
    unchanged (repetition_penalty, length_penalty, ...). `reasoning`: for prompts made by a chat template; None for plain prompts, whose
    answer begins with the first token. `is_line`: the answer is the first line with visible text, and ends with it.
    """

    stop_strings: tuple[str, ...]
    max_answer_tokens: int
    do_sample: bool
    temperature: float
    top_k: int
    top_p: float
    num_beams: int
    num_outputs: int
    other_settings: Mapping[str, Any]
    reasoning: ReasoningSpec | None = None
    is_line: bool = False

    @property
    def max_new_tokens(self) -> int:
        """Token limit of a whole output: the answer and, for chat prompts, the thought before it."""
        return self.max_answer_tokens + (self.reasoning.max_tokens if self.reasoning else 0)


class RequestGroup(NamedTuple):
    """Generation requests with the same prompt and settings: they have the same outputs, because samples are seeded by the prompt.

    `indices`: for each request, the positions of its repeats in lm_eval's list; the n-th repeat gets the n-th output.
    """

    prompt: str
    decoding: Decoding
    indices: tuple[tuple[int, ...], ...]


def read_decoding(
    settings: Mapping[str, Any],
    repeats: int,
    default_max_tokens: int,
    reasoning: ReasoningSpec | None = None,
    end_text: str | None = None,
    is_line: bool = False,
) -> Decoding:
    """Read a request's `generation_kwargs`.

    `repeats`: how often the request is repeated. `default_max_tokens`: the answer's limit where the settings have none. `end_text`: text of
    the tokenizer's end token, a stop string of every request as in HFLM. `is_line`: the answer is one line.
    """
    from lm_eval.models.utils import normalize_gen_kwargs

    remaining = normalize_gen_kwargs(dict(settings), default_max_tokens)
    num_beams = int(remaining.pop("num_beams", 1))
    do_sample = bool(remaining.pop("do_sample", False))
    return Decoding(
        stop_strings=tuple(stop for stop in dict.fromkeys([*remaining.pop("until", []), end_text]) if stop),
        max_answer_tokens=remaining.pop("max_gen_toks"),
        do_sample=do_sample,
        temperature=float(remaining.pop("temperature", 1.0)),
        top_k=_read_top_k(remaining.pop("top_k", None)),
        top_p=float(remaining.pop("top_p", None) or 1.0),
        num_beams=num_beams,
        # Repeats of a greedy request have the same answer; at most one beam per repeat is returned.
        num_outputs=repeats if do_sample else min(repeats, num_beams),
        other_settings=remaining,
        reasoning=reasoning,
        is_line=is_line,
    )


def _read_top_k(value: Any) -> int:
    """Return how many tokens are kept, 0 for all: None, 0 and numbers beyond any vocabulary, which other engines need for that."""
    kept = int(value or 0)
    return 0 if kept >= BEYOND_VOCABULARIES else kept


def group_requests(
    requests: Sequence[Instance],
    reasoning: ReasoningSpec,
    chat_prompts: Collection[str],
    default_max_tokens: int,
    end_text: str | None = None,
    line_settings: Callable[[Instance], Mapping[str, Any] | None] = lambda _: None,
) -> list[RequestGroup]:
    """Group generation requests that have the same prompt and settings; groups with the same settings are neighbours, long prompts first.

    lm_eval repeats a request by putting the same object several times in a row. `reasoning` holds for the prompts in `chat_prompts`.
    `default_max_tokens`: the answer's limit where a request has none. `end_text`: a stop string of every request. `line_settings`: for a
    request whose answer is one line, the settings to use instead of its own; None for others.
    """
    decodings: dict[str, Decoding] = {}
    indices_of: dict[str, dict[str, list[tuple[int, ...]]]] = {}
    for _, repeated in groupby(range(len(requests)), key=lambda index: id(requests[index])):
        indices = tuple(repeated)
        request = requests[indices[0]]
        prompt, own_settings = request.args
        settings_of_line = line_settings(request)
        is_line = settings_of_line is not None
        settings = own_settings if settings_of_line is None else settings_of_line
        # With several processes lm_eval appends more repeats of the last request to the shorter lists.
        repeats = min(len(indices), request.repeats or len(indices))
        is_chat = prompt in chat_prompts
        key = json.dumps([settings, repeats, is_chat, is_line], sort_keys=True)
        if key not in decodings:
            reasoning_of_prompt = reasoning if is_chat else None
            decodings[key] = read_decoding(settings, repeats, default_max_tokens, reasoning_of_prompt, end_text, is_line)
            indices_of[key] = {}
        indices_of[key].setdefault(prompt, []).append(indices)
    return [
        RequestGroup(prompt, decodings[key], tuple(by_prompt[prompt]))
        for key, by_prompt in indices_of.items()
        for prompt in sorted(by_prompt, key=lambda prompt: -len(prompt))
    ]
