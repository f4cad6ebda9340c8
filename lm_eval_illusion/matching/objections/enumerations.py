"""Numbered lists and options: the number of an item is no answer, and several items leave open which one is meant.

"1. Mercury" does not say 1; "A) Bergen B) Oslo C) Trondheim" chooses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from lm_eval_illusion.matching.mentions import Mention
from lm_eval_illusion.matching.text.lines import Line

_LABEL = re.compile(
    r"(?:(?<=^)|(?<=[\s*(;,.]))[(\[]?(?P<name>[A-Ha-h]|\d{1,2})(?P<sign>[.):、．）])[\]*]{0,3}(?=[\s*_]|[^\W\d_a-zA-Z])"
)
_SIGN_BEFORE = re.compile(r"[\s(\[*_>#-]*")
_LEAST_OPTIONS, _LEAST_NUMBERED = 2, 3
"""Items from which on a line is a list: options have letters, and two numbers may be a date or a score."""
_MOST_ITEM_CHARACTERS = 60
"""A longer item is no candidate but a text: steps, reasons."""


class _Label(NamedTuple):
    name: str
    start: int
    end: int


def is_label(line: Line, mention: Mention, answers: Sequence[str]) -> bool:
    """Return whether a mention is nothing but the number of an item: 1. Mercury. The arguments are those of an objection."""
    if not line.text[mention.start : mention.end].isdecimal():
        return False
    labels = _numbered(line.text)
    return any(label.start <= mention.start and mention.end <= label.end for label in labels)


def is_option(line: Line, mention: Mention, answers: Sequence[str]) -> bool:
    """Return whether a mention is one of several listed items, and none is chosen. The arguments are those of an objection."""
    labels = _numbered(line.text)
    if len(labels) < (_LEAST_NUMBERED if labels and labels[0].name.isdecimal() else _LEAST_OPTIONS):
        return False
    ends = [*(after.start for _, after in pairwise(labels)), len(line.text)]
    if any(end - label.end > _MOST_ITEM_CHARACTERS for label, end in zip(labels, ends, strict=True)):
        return False
    last = labels[-1].end
    # What is said again behind the list is chosen.
    return labels[0].end <= mention.start and (mention.start < last or _is_within_item(line.text, last, mention.start))


def _is_within_item(text: str, start: int, end: int) -> bool:
    """Return whether no sentence ends between two places."""
    return re.search(r"[.!?。:：]\s|[。！？：]", text[start:end]) is None


@lru_cache(maxsize=1_000)
def _numbered(text: str) -> tuple[_Label, ...]:
    """Return the labels of a list with which a line begins: A, B, C or 1, 2, 3, as long as they follow each other."""
    labels: list[_Label] = []
    for found in _LABEL.finditer(text):
        name = found["name"].lower()
        expected = _following(labels[-1].name) if labels else name
        if not labels and not (name in ("1", "a") and _SIGN_BEFORE.fullmatch(text, 0, found.start())):
            return ()
        if name == expected:
            labels.append(_Label(name, found.start(), found.end()))
    return tuple(labels)


def _following(name: str) -> str:
    return str(int(name) + 1) if name.isdecimal() else chr(ord(name) + 1)
