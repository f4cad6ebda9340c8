"""Mentions in a question, or in a clause of not knowing: "Is it Oslo?", "I cannot tell if Oslo is right."

A mention that is said again outside such a sentence counts there. The words are the language's [questions].
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.mentions import Mention
from lm_eval_illusion.matching.objections.context import SENTENCE_ENDS, context_of, phrases
from lm_eval_illusion.matching.text.lines import Line


class _Questions(NamedTuple):
    particles: re.Pattern[str]
    tags: re.Pattern[str]
    unsure_before: re.Pattern[str]
    unsure_after: re.Pattern[str]
    turns: re.Pattern[str]
    guesses: re.Pattern[str]


def is_asked(line: Line, mention: Mention, answers: Sequence[str]) -> bool:
    """Return whether a mention stands in a question. The arguments are those of an objection."""
    # "Quo vadis?" asks nothing.
    if any(mark in answer for answer in answers for mark in "?？؟"):
        return False
    rules = question_rules(line.lang)
    after = context_of(line).around(mention).after
    end = min((at for at in map(after.find, SENTENCE_ENDS) if at >= 0), default=len(after))
    rest = after[:end].rstrip()
    if after[end : end + 1] != "?":
        return any(found.end() == len(rest) for found in rules.particles.finditer(rest + " ", 0, len(rest) + 1))
    before = context_of(line).around(mention).within(SENTENCE_ENDS).before
    guess = rules.guesses.match(before, before.startswith(" "))
    if guess and not before[guess.end() :].strip() and not rest.strip():
        # "Perhaps Oslo?" is an answer, as "Oslo?" is.
        return False
    _, comma, tag = rest.rpartition(",")
    found = rules.tags.match(f"{tag} ", tag.startswith(" "))
    return not (comma and found and found.end() == len(tag))


def is_unknown(line: Line, mention: Mention, answers: Sequence[str]) -> bool:
    """Return whether a line says that it does not know whether a mention is right. The arguments are those of an objection."""
    rules = question_rules(line.lang)
    sentence = context_of(line).around(mention).within(SENTENCE_ENDS)
    # "I am not sure, but it is Oslo" gives the answer.
    turn = max((found.end() for found in rules.turns.finditer(sentence.before)), default=0)
    return bool(rules.unsure_before.search(sentence.before, max(0, turn - 1)) or rules.unsure_after.search(sentence.after))


@cache
def question_rules(lang: str) -> _Questions:
    """Return the patterns of a language."""
    own = language(lang).questions
    return _Questions(
        particles=phrases(own.particles, lang),
        tags=phrases(own.tags, lang),
        unsure_before=phrases(own.unsure_before, lang),
        unsure_after=phrases(own.unsure_after, lang),
        turns=phrases(language(lang).negation.turns, lang),
        guesses=phrases(language(lang).alternatives.correlatives, lang),
    )
