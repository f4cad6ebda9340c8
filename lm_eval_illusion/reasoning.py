"""Where a thinking model's thought ends and its answer begins."""

from __future__ import annotations

from dataclasses import dataclass

BEGIN = "<think>"
END = "</think>"


@dataclass(frozen=True)
class ReasoningSpec:
    """`end`: what ends a thought, a text or a token id. `max_tokens`: how long a thought may be; the answer's length is its own."""

    end: str | int = END
    max_tokens: int = 0


def answer_after_thoughts(text: str, end: str = END, is_open: bool = False) -> str | None:
    """What a text says after its last thought; None while a thought goes on. `is_open`: the prompt already began the thought."""
    if end in text:
        return text.rsplit(end, 1)[1].lstrip()
    return None if is_open or text.lstrip().startswith(BEGIN) else text


def without_thoughts(output: str) -> str:
    """A generation as any backend gives it, its thoughts removed: a thought that never ends says nothing."""
    return answer_after_thoughts(output) or ""
