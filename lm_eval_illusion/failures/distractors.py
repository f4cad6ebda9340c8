"""Distractor: the answer names one of the wrong options."""

from __future__ import annotations

from collections.abc import Sequence

from lm_eval_illusion.matching import exact_match, explain, matches


def names_distractor(line: str, question: str, distractors: Sequence[str], lang: str) -> bool:
    """Return whether a line states a wrong option, by the rule by which an answer is produced.

    An option that stands in the question may be only a part of a sentence about the question: then the line must equal it.
    """
    return any(
        exact_match(line, [option], lang)
        or (matches(line, [option], lang) and explain(question, [option], lang).answer is None)
        for option in distractors
    )
