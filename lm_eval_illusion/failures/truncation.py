"""Truncation: the token limit cut the answer. Only a rule about the text, for backends that do not tell."""

from __future__ import annotations

import unicodedata

SHORTEST_IN_BYTES = 100
"""A response at the limit of 64 tokens has at least so many bytes in UTF-8, unless the tokenizer lacks the script."""
_SENTENCE_ENDS = ".!?…。！？؟।॥;:"


def looks_truncated(response: str) -> bool:
    """Return whether a long response is one line that does not end a sentence.

    A text with a line end is whole, because the answer ends there. The rule misses an answer that is cut after a full stop, and it takes
    a long answer without a full stop for a cut one.
    """
    text = response.strip()
    if "\n" in text or len(text.encode("utf-8", "replace")) < SHORTEST_IN_BYTES:
        return False
    # A character that was cut in the middle of its bytes.
    if text.endswith("\ufffd"):
        return True
    last = text.rstrip("\"'”’»)]*_ ")[-1:]
    return last not in _SENTENCE_ENDS and unicodedata.category(last)[0] in "LMNP" if last else False
