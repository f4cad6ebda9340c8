"""The decoding settings of a view, as each server takes them.

A setting that a request lacks has the server's own default, which may cut the distribution (llama.cpp: top_k 40, top_p 0.95, min_p 0.05).
A name that a server does not know is refused by some (OpenAI, transformers) and ignored by others. So each server gets its own names, and
a setting that is off is sent where its default is another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lm_eval_illusion.models.served_server import LLAMA_CPP, LLAMA_CPP_PYTHON, SGLANG, TRANSFORMERS, VLLM, RunningServer
from lm_eval_illusion.views import TOP_K_OFF

_NOT_SENT = ("do_sample", "num_beams", "length_penalty", "early_stopping", "top_k", "top_p", "repetition_penalty")
"""Settings that are translated below, or that no server has: beam search is none of the API, the answer is then the greedy one."""

_PENALTY = {
    LLAMA_CPP: "repeat_penalty",
    LLAMA_CPP_PYTHON: "repeat_penalty",
    VLLM: "repetition_penalty",
    SGLANG: "repetition_penalty",
}
"""The servers' names of the repetition penalty."""
_TOP_K_OFF = {LLAMA_CPP: 0, LLAMA_CPP_PYTHON: 0, VLLM: -1, SGLANG: -1}
"""What the servers call no limit: both numbers are in all versions of theirs."""


def request_settings(settings: Mapping[str, Any], server: RunningServer) -> dict[str, Any]:
    """Return lm_eval's generation settings for a server of this kind, without the seed."""
    samples = settings.get("do_sample") is not False and float(settings.get("temperature") or 0) > 0
    common = {name: value for name, value in settings.items() if name not in _NOT_SENT}
    common["temperature"] = float(settings.get("temperature") or 0) if samples else 0.0
    top_k = int(settings.get("top_k") or 0)
    top_k = 0 if top_k >= TOP_K_OFF or top_k < 0 else top_k
    top_p = float(settings.get("top_p") or 1.0)
    penalty = float(settings.get("repetition_penalty") or 1.0)
    if server.kind == TRANSFORMERS:
        # Its own defaults are those of the model's generation_config.json, where sampling may be off.
        generation = {"do_sample": samples, "repetition_penalty": penalty}
        if samples:
            generation |= {"temperature": common["temperature"], "top_k": top_k, "top_p": top_p}
        return {**common, "generation_config": json.dumps(generation)}
    if server.kind in _PENALTY:
        common[_PENALTY[server.kind]] = penalty
    elif penalty != 1:
        common["repetition_penalty"] = penalty
    if samples:
        common["top_p"] = top_p
        if server.kind in _TOP_K_OFF:
            common |= {"top_k": top_k or _TOP_K_OFF[server.kind], "min_p": 0.0}
        elif top_k:
            common["top_k"] = top_k
    return common


def letter_constraint(server: RunningServer) -> dict[str, Any]:
    """Return what makes the server answer with a letter of A to D, with or without a space before it; nothing where it can't."""
    if server.kind in (LLAMA_CPP, LLAMA_CPP_PYTHON):
        return {"grammar": 'root ::= " "? [A-D]'}
    if server.kind == VLLM:
        return {"structured_outputs": {"regex": " ?[A-D]"}}
    if server.kind == SGLANG:
        return {"regex": " ?[A-D]"}
    return {}
