"""The lm_eval filter of the views that generate text: each response becomes its answer.

Backends stop at different places: `pruned-hf` after the first line, most others only at an end token or the token limit. After the
filter their answers are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lm_eval_illusion.first_line import Answer, first_line
from lm_eval_illusion.reasoning import without_thoughts


def first_lines(responses: Iterable[Sequence[Any]], documents: Sequence[Any]) -> list[list[Any]]:
    """Cut every generated text to its first line with visible text after the thoughts.

    The interface is that of lm_eval's filter `custom`. `responses`: those of each request, one per repeat. Scores of the requests for
    log-likelihoods stay as they are.
    """
    return [[_answer(response) for response in repeats] for repeats in responses]


def _answer(response: Any) -> Any:
    if not isinstance(response, str):
        return response
    line = first_line(without_thoughts(response))
    reached_limit = getattr(response, "reached_limit", None)
    return line if reached_limit is None else Answer(line, reached_limit)
