"""Whether a question asks for a number or a time, from the question words of its language (`asked.interrogatives`)."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from lm_eval_illusion.pairing.asked.interrogatives import asked_for
from lm_eval_illusion.pairing.asked.phrases import THING, WHICH
from lm_eval_illusion.pairing.asked.question_words import question_words

AskedNumber = Literal["quantity", "time", "other", ""]
"""What a question asks for; "" if its words do not say it, or the language has no list of them."""


@lru_cache(maxsize=100_000)
def asked_number(question: str, lang: str) -> AskedNumber:
    """Return whether a question asks for a number or a time."""
    kind = asked_for(question_words(question, lang).units, lang).kind
    if kind == "quantity":
        return "quantity"
    if kind == "time":
        return "time"
    return "" if kind in (THING, WHICH, "") else "other"
