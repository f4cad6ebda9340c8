"""Samples from vLLM: the clones of one request made different from each other, and the same in every run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance


def seeded(requests: Sequence[Instance]) -> list[Instance]:
    """The requests, each that samples with a seed of its own: by its prompt and, among the clones of one, by its number.

    lm_eval hands on the same object `repeats` times. A request that names a seed keeps it.
    """
    numbers: Counter[int] = Counter()
    asked = []
    for request in requests:
        prompt, settings = request.args
        asked.append(replace(request, arguments=(prompt, sampling_settings(settings, prompt, numbers[id(request)]))))
        numbers[id(request)] += 1
    return asked


def sampling_settings(settings: Mapping[str, Any], prompt: str, sample: int) -> dict[str, Any]:
    """lm_eval's generation settings for vLLM: with the sample's seed where they sample, and with `top_k` as every version takes it."""
    from lm_eval_illusion.sampling import seed_of

    samples = settings.get("do_sample") is not False and float(settings.get("temperature") or 0) > 0
    # Older versions of vLLM refuse 0; all take -1 for no limit.
    top_k = {"top_k": -1} if settings.get("top_k") == 0 else {}
    return {**({"seed": seed_of(prompt, sample)} if samples else {}), **settings, **top_k}
