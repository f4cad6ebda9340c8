"""A request that a server refuses for a part that changes nothing, and the same request without it.

Servers refuse names or values that mean "off": text-generation-inference a `top_p` of 1, other servers `seed` or the settings of vLLM. A
part may be left out only where the answer stays the same: a setting that is off, `stop`, because an answer ends with its first line here,
and `seed`, of which the check of seeds tells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_OFF: Mapping[str, tuple[float, ...]] = {
    "top_p": (1,),
    "top_k": (0, -1),
    "min_p": (0,),
    "repetition_penalty": (1,),
    "repeat_penalty": (1,),
}
"""Settings that may be left out, each with the values that mean "off"."""
_NOT_NEEDED = ("seed", "stop")
LIMIT, NEW_LIMIT = "max_tokens", "max_completion_tokens"
"""The name of the longest answer, and that of OpenAI's newer models, which refuse the first one."""


def refused_setting(payload: Mapping[str, Any], problem: str) -> str | None:
    """Return the setting of a request that a refusal names and that may be left out or renamed; None if there is none.

    `problem`: the message of the server.
    """
    if LIMIT in payload and _names(problem, NEW_LIMIT):
        return LIMIT
    return next((name for name in payload if _may_be_left_out(name, payload[name]) and _names(problem, name)), None)


def without_settings(payload: Mapping[str, Any], refused: frozenset[str]) -> dict[str, Any]:
    """Return a request without the settings that the server refuses. One that is not off stays, and is refused again."""
    kept = {name: value for name, value in payload.items() if name not in refused or not _may_be_left_out(name, value)}
    if LIMIT in refused and LIMIT in kept:
        kept[NEW_LIMIT] = kept.pop(LIMIT)
    return kept


def _may_be_left_out(name: str, value: Any) -> bool:
    return name in _NOT_NEEDED or value in _OFF.get(name, ())


def _names(problem: str, name: str) -> bool:
    return re.search(rf"(?<![\w-]){name}(?![\w-])", problem) is not None
