"""Empty: nothing was written that could be an answer."""

from __future__ import annotations

import re

_MARKER = re.compile(
    # <|endoftext|>, <|im_start|>assistant, <｜end▁of▁sentence｜>, and <start_of_turn>model, each with the speaker after it.
    r"<[|｜][^|｜<>\s]{1,40}[|｜]>(?:\s*(?:system|user|assistant|model|tool)\b)?"
    r"|<(?:start_of_turn|end_of_turn)>(?:\s*(?:system|user|assistant|model|tool)\b)?"
    # <s>, </s>, <eos>, [INST], [/INST], <<SYS>>.
    r"|</?(?:s|bos|eos|pad|unk|cls|sep|mask)>|\[/?(?:inst|bos|eos|pad|unk|cls|sep|mask)\]|<</?sys>>",
    re.IGNORECASE,
)
"""The special tokens of common chat templates and tokenizers, as text."""


def is_empty(line: str) -> bool:
    """Return whether a line has no letter and no digit, or none but those of special tokens that stand in the text."""
    return not any(map(str.isalnum, _MARKER.sub("", line)))
