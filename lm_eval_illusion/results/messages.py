"""Values of other people's files in messages: cut, so that a long name does not fill the screen."""

from __future__ import annotations

import json
from collections.abc import Iterable

from lm_eval_illusion.escaping import cut

MOST_OF_A_VALUE = 60
"""Characters of a value in a message."""
MOST_OF_A_NAME = 250
"""Characters of a name in a list of names; paths are among them."""


def join_truncated(values: Iterable[object], most: int = 3) -> str:
    """Join names: 'a, b, c and 7 more'. A long name is cut."""
    names = [cut(str(value), MOST_OF_A_NAME) for value in values]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def shown(value: object) -> str:
    """Return a value of a JSON file as it stands there, cut; an object or a list by its size."""
    if isinstance(value, dict):
        return f"an object of {len(value)} fields"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, str):
        return cut(json.dumps(value[: MOST_OF_A_VALUE + 1], ensure_ascii=False), MOST_OF_A_VALUE)
    return cut(json.dumps(value, default=str), MOST_OF_A_VALUE)
