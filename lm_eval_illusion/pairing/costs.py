"""How bad a distractor another question's answer makes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import lru_cache

from lm_eval_illusion.matching import stands_in_passage
from lm_eval_illusion.pairing.asked import Asked
from lm_eval_illusion.pairing.assignment import FORBIDDEN
from lm_eval_illusion.pairing.bundles import Bundle, Option, lent
from lm_eval_illusion.pairing.rules import RightAnswers, is_alike, may_stand
from lm_eval_illusion.pairing.written_numbers import WORD, Number, numbers_of

# What makes a distractor worse, in units of one factor e in length.
OTHER_TOPIC = 1.0
NOT_IN_PASSAGE = 2.0
ASKED_OTHERWISE = 1.5
OTHER_FORMAT = 3.0


def cost_of(donor: Bundle, bundle: Bundle, known: RightAnswers, asked: Asked) -> float:
    """What it costs that `donor` lends its answer to `bundle`: FORBIDDEN if a rule is against it."""
    options = lent(donor, bundle) if donor.id != bundle.id else None
    if options is None or not all(is_alike(options[lang], answer, lang) for lang, answer in bundle.answers.items()):
        return FORBIDDEN
    if not may_stand(options, bundle, known):
        return FORBIDDEN
    length = _mean(abs(math.log(len(options[lang]) / len(answer))) for lang, answer in bundle.answers.items())
    return (
        length
        + OTHER_TOPIC * (donor.topic != bundle.topic)
        + NOT_IN_PASSAGE * _absent(options, bundle)
        + ASKED_OTHERWISE * asked.difference(donor, bundle, bundle.by_lang)
        + OTHER_FORMAT * misshapen(options, bundle)
    )


def _absent(options: Option, bundle: Bundle) -> float:
    """In how many of the languages that have a passage the option does not stand in it."""
    passages = {lang: question.context for lang, question in bundle.by_lang.items()}
    return _mean(bool(passages[lang]) and not stands_in_passage(options[lang], passages[lang], lang) for lang in options)


def misshapen(options: Option, bundle: Bundle) -> float:
    """In how many of the languages a number is of another format: a year beside a length, a range beside a share."""
    return _mean(number_format(options[lang]) != number_format(answer) for lang, answer in bundle.answers.items())


@lru_cache(maxsize=100_000)
def number_format(text: str) -> str:
    """Its numbers as # (years as Y), words between them as "a", and the signs: 17 seconds is #a, 1870–1939 is Y–Y; "" without numbers."""
    numbers = numbers_of(text)
    if not numbers:
        return ""
    between = [
        text[start:end] for start, end in zip([0, *(n.end for n in numbers)], [*(n.start for n in numbers), None], strict=True)
    ]
    signs = [re.sub(r"\s", "", re.sub(WORD, "a", part)) for part in between]
    marks = ["Y" if _is_year(number) else "#" for number in numbers]
    return "".join(re.sub("a+", "a", sign) + mark for sign, mark in zip(signs, [*marks, ""], strict=True))


def _is_year(number: Number) -> bool:
    return number.is_plain and len(number.digits) == 4 and 1000 <= int(number.digits) <= 2100


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
