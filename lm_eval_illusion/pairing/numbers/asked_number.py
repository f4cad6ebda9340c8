"""Whether a question asks for a number or a time, from the question words of its language (`asked.interrogatives`)."""

from __future__ import annotations

from typing import Literal

from lm_eval_illusion.pairing.asked.interrogatives import asked_in
from lm_eval_illusion.pairing.asked.phrases import THING, WHICH

AskedNumber = Literal["quantity", "time", "other", ""]
"""What a question asks for; "" if its words do not say it, or the language has no list of them."""


def asked_number(question: str, lang: str) -> AskedNumber:
    """Return whether a question asks for a number or a time."""
    kind = asked_in(question, lang).kind
    if kind == "quantity":
        return "quantity"
    if kind == "time":
        return "time"
    return "" if kind in (THING, WHICH, "") else "other"
