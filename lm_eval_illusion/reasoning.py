"""Outputs of reasoning models: where the thought ends and the answer begins."""

from __future__ import annotations

from dataclasses import dataclass

BEGIN = "<think>"
END = "</think>"


@dataclass(frozen=True)
class ReasoningSpec:
    """How a model thinks before it answers.

    `end`: the text or the token id that ends a thought. `max_tokens`: the token limit of a thought; the answer has a separate limit.
    """

    end: str | int = END
    max_tokens: int = 0


def answer_after_thoughts(text: str, end: str = END, is_open: bool = False) -> str | None:
    """Return the text after the last thought; None while a thought goes on. `is_open`: the prompt ends within a thought."""
    if end in text:
        return text.rsplit(end, 1)[1].lstrip()
    return None if is_open or text.lstrip().startswith(BEGIN) else text


def without_thoughts(output: str) -> str:
    """Remove the thoughts from an output of any backend; empty if a thought does not end."""
    return answer_after_thoughts(output) or ""
