"""Objection: a mention is another word, because its accents are others than those of the answer: γερός for γέρος."""

from __future__ import annotations

from collections.abc import Sequence

from lm_eval_illusion.matching.mentions import Mention
from lm_eval_illusion.matching.text.accents import contradict
from lm_eval_illusion.matching.text.lines import Line


def is_another_word(line: Line, mention: Mention, answers: Sequence[str]) -> bool:
    """Return whether the accents of a mention contradict those of an answer."""
    if mention.rule not in ("words", "clitic"):
        return False
    written = line.text[mention.start : mention.end]
    return written not in answers and any(contradict(written, answer, line.lang) for answer in answers)
