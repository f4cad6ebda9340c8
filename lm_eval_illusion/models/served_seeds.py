"""Seeds of samples, and a check whether a server uses them: without, ten samples are one, or others in each run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lm_eval_illusion.inference.sampling import seed_of
from lm_eval_illusion.models.served_server import RunningServer
from lm_eval_illusion.models.served_settings import request_settings

MOST_SEEDS = 2**31
"""Seeds are smaller: llama.cpp has 32 bits, and takes the largest number of them for "no seed"."""
SEED_PROMPT = "Once upon a time"
_TRIAL = {"max_gen_toks": 16, "until": []}
_SEEDS = (11, 12, 13, 11)


def seed_of_sample(prompt: str, sample: int) -> int:
    """Return the seed of a prompt's n-th sample, an integer in [0, 2^31)."""
    return seed_of(prompt, sample) % MOST_SEEDS


def greedy_trials(server: RunningServer) -> list[dict[str, Any]]:
    """Return the settings of two greedy requests. They have two seeds: a server that samples them all the same gives different texts."""
    return [{"seed": seed, **request_settings(_TRIAL, server)} for seed in _SEEDS[:2]]


def problem_of_greedy(texts: Sequence[str]) -> str | None:
    """Return what is wrong with the answers to `greedy_trials`, as it goes on after the name of the server; None if nothing is."""
    if len(set(texts)) > 1:
        return "gives different texts at temperature 0: it samples there, too, or does not calculate the same twice"
    return None


def seed_trials(server: RunningServer) -> list[dict[str, Any]]:
    """Return the settings of four samples, two of them with the same seed."""
    return [{"seed": seed, **request_settings({**_TRIAL, "do_sample": True, "temperature": 1.0}, server)} for seed in _SEEDS]


def problem_of_seeds(texts: Sequence[str]) -> str | None:
    """Return what is wrong with the answers to `seed_trials`, as it goes on after the name of the server; None if nothing is."""
    if not any(texts):
        return None
    if len(set(texts)) == 1:
        return "gives the same text for different seeds at temperature 1: ten samples may be one"
    if texts[0] != texts[-1]:
        return "gives different texts for the same seed: samples differ, and another run will have others"
    return None
