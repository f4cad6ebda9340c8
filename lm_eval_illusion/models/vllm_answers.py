"""Answers of vLLM to the requests of our views: one request for all samples of a prompt, ended with the first line that has text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from lm_eval.api.instance import Instance

from lm_eval_illusion.first_line import LINE_ENDS
from lm_eval_illusion.inference.generation_config import Decoding, RequestGroup
from lm_eval_illusion.inference.sampling import seed_of
from lm_eval_illusion.inference.stopping import StopCondition

Stopped = tuple[RequestGroup, StopCondition]
"""Requests with one prompt, and what ends their outputs."""
Ask = Callable[[Sequence[Sequence[int]], Sequence[Mapping[str, Any]]], list[Any]]

LARGEST_SEED = 2**63 - 1
"""The largest seed of a generator of torch."""
MOST_BLANK_LINES = 3
"""How often an answer is asked for again because it ended with a blank line; then it may have all its tokens."""


def seeded_requests(requests: Sequence[Instance]) -> list[Instance]:
    """Copy requests with vLLM's settings; every sampled one gets its own seed, made from the prompt and the repeat's number.

    lm_eval repeats a request by putting the same object several times in a row.
    """
    seeded = []
    for _, repeats in groupby(requests, key=id):
        for sample, request in enumerate(repeats):
            prompt, settings = request.args
            seeded.append(replace(request, arguments=(prompt, vllm_settings(settings, seed_of(prompt, sample)))))
    return seeded


def vllm_settings(settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Return lm_eval's generation settings for vLLM: with `seed` if they sample without one, and `top_k` in the form of all versions.

    A request that says neither that it samples nor a temperature is greedy, as with lm_eval's other classes; its class for vLLM gives no
    temperature then, and vLLM samples at 1.
    """
    does_sample, temperature = settings.get("do_sample"), settings.get("temperature")
    # One that samples without a temperature does so at 1, in vLLM and in transformers.
    is_hot = does_sample is True if temperature is None else float(temperature) > 0
    samples = does_sample is not False and is_hot
    # Older versions of vLLM refuse 0; all take -1 for no limit.
    top_k = {"top_k": -1} if settings.get("top_k") == 0 else {}
    return {**({"seed": seed} if samples else {"temperature": 0.0}), **settings, **top_k}


def answer_settings(decoding: Decoding, prompt: str) -> dict[str, Any]:
    """Return vLLM's settings for all outputs of a prompt but beams.

    vLLM adds the number of a sample to the seed. With `is_line` every line end is a stop string: see `stops_early`.
    """
    seed = min(seed_of(prompt, 0), LARGEST_SEED - decoding.num_outputs)
    return {
        "n": decoding.num_outputs,
        "temperature": decoding.temperature if decoding.do_sample else 0.0,
        "top_p": decoding.top_p,
        # Older versions of vLLM refuse 0; all take -1 for no limit.
        "top_k": decoding.top_k or -1,
        "repetition_penalty": float(decoding.other_settings.get("repetition_penalty") or 1.0),
        "seed": seed if decoding.do_sample else None,
        "max_tokens": decoding.max_new_tokens,
        "stop": [*decoding.stop_strings, *(LINE_ENDS if decoding.is_line else ())],
        "skip_special_tokens": False,
        "spaces_between_special_tokens": False,
    }


def asked_again(settings: Mapping[str, Any], decoding: Decoding, sample: int, so_far: int, is_last: bool) -> dict[str, Any]:
    """Return the settings of `answer_settings` for one of its samples, which must be longer than it was: it ended with a blank line.

    `so_far`: its tokens. Until that number, vLLM heeds no stop string and gives no end token, which it did not choose there anyway.
    `is_last`: no line end may end it any more.
    """
    seed = settings["seed"]
    one = {**settings, "n": 1, "seed": None if seed is None else seed + sample}
    return {**one, "stop": list(decoding.stop_strings)} if is_last else {**one, "min_tokens": so_far}


def stops_early(output: Any, condition: StopCondition) -> bool:
    """Return whether vLLM ended an output at a line end before the first line with text was complete.

    A model may begin with blank lines, or with a thought. Such an output is asked for again.
    """
    at_line_end = isinstance(output.stop_reason, str) and output.stop_reason in LINE_ENDS
    return at_line_end and not condition.should_stop(list(output.token_ids))


def ask_for_answers(prompts: Sequence[Sequence[int]], batch: Sequence[Stopped], ask: Ask) -> list[list[Any]]:
    """Return vLLM's outputs for each prompt: all of its samples, or its greedy answer.

    `prompts`: token ids. `batch`: for each prompt its requests and what ends their outputs. `ask`: prompts and vLLM's settings of each ->
    vLLM's answers.
    """
    settings = [answer_settings(group.decoding, group.prompt) for group, _ in batch]
    outputs = [list(answer.outputs) for answer in ask(prompts, settings)]
    for blank_lines in range(1, MOST_BLANK_LINES + 1):
        early = [
            (row, number)
            for row, (_, stop) in enumerate(batch)
            for number, output in enumerate(outputs[row])
            if stops_early(output, stop)
        ]
        again = [
            asked_again(
                settings[row],
                batch[row][0].decoding,
                number,
                len(outputs[row][number].token_ids),
                is_last=blank_lines == MOST_BLANK_LINES,
            )
            for row, number in early
        ]
        for (row, number), answer in zip(early, ask([prompts[row] for row, _ in early], again), strict=True):
            outputs[row][number] = answer.outputs[0]
    return outputs
