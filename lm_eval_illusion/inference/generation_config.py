"""What lm_eval's generating requests ask for: which are clones of one, and which are decoded alike."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from lm_eval_illusion.inference.hf_generate import Decoding, read_decoding
from lm_eval_illusion.reasoning import ReasoningSpec

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

# Ways of decoding, and the places of the clones of each request that asks for one.
Ways = list[tuple[Decoding, list[list[int]]]]


def by_decoding(
    requests: Sequence[Instance], thoughts: ReasoningSpec, chat_prompts: Collection[str], default_tokens: int
) -> Ways:
    """Requests of one decoding together; each as the places of its clones, which are one and the same object, the longest first.

    `thoughts`: of the prompts that are in `chat_prompts`. `default_tokens`: the answer's length where a request gives none.
    """
    # With several processes lm_eval fills up the shorter ones with clones of their last request: more than `repeats` are more of the same.
    clones: dict[int, list[int]] = defaultdict(list)
    for place, request in enumerate(requests):
        clones[id(request)].append(place)
    groups: dict[str, list[list[int]]] = defaultdict(list)
    for places in clones.values():
        prompt, settings = requests[places[0]].args
        groups[json.dumps([settings, _repeats(requests, places), prompt in chat_prompts], sort_keys=True)].append(places)
    ways = []
    for same in groups.values():
        prompt, settings = requests[same[0][0]].args
        decoding = read_decoding(
            settings, _repeats(requests, same[0]), default_tokens, thoughts if prompt in chat_prompts else None
        )
        ways.append((decoding, sorted(same, key=lambda places: -len(requests[places[0]].args[0]))))
    return ways


def _repeats(requests: Sequence[Instance], places: Sequence[int]) -> int:
    return min(len(places), requests[places[0]].repeats or len(places))
