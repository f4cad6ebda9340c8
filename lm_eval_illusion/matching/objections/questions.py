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
from lm_eval_illusion.matching.objections.context import CLAUSE_ENDS, SENTENCE_ENDS, context_of, phrases
from lm_eval_illusion.matching.text.lines import Line


class _Questions(NamedTuple):
    particles: re.Pattern[str]
    tags: re.Pattern[str]
    unsure_before: re.Pattern[str]
    unsure_after: re.Pattern[str]
    turns: re.Pattern[str]
    harmless: re.Pattern[str]
    confirmed: re.Pattern[str]
    """"Yes" and the like as a clause of its own."""
    pauses: bool
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
    if rules.pauses and (pause := rest.find(",")) > 0 and _ends_in(rules.particles, rest[:pause]):
        # A space ends a sentence, too.
        return rules.confirmed.match(after, pause + 1) is None
    if rules.confirmed.match(after, end + 1):
        return False
    if after[end : end + 1] != "?":
        return _ends_in(rules.particles, rest)
    before = context_of(line).around(mention).within(SENTENCE_ENDS).before
    guess = rules.guesses.match(before, before.startswith(" "))
    if guess and not before[guess.end() :].strip() and not rest.strip():
        # "Perhaps Oslo?" is an answer, as "Oslo?" is.
        return False
    _, comma, tag = rest.rpartition(",")
    found = rules.tags.match(f"{tag} ", tag.startswith(" "))
    return not (comma and found and found.end() == len(tag))


def _ends_in(pattern: re.Pattern[str], text: str) -> bool:
    return any(found.end() == len(text) for found in pattern.finditer(text + " ", 0, len(text) + 1))


def is_unknown(line: Line, mention: Mention, answers: Sequence[str]) -> bool:
    """Return whether a line says that it does not know whether a mention is right. The arguments are those of an objection."""
    rules = question_rules(line.lang)
    # "No doubt it is Oslo" contains "doubt it".
    sentence = context_of(line).around(mention).within(SENTENCE_ENDS).hide(rules.harmless)
    # "I am not sure, but it is Oslo" gives the answer.
    turn = max((found.end() for found in rules.turns.finditer(sentence.before)), default=0)
    return bool(rules.unsure_before.search(sentence.before, max(0, turn - 1)) or rules.unsure_after.search(sentence.after))


@cache
def question_rules(lang: str) -> _Questions:
    """Return the patterns of a language."""
    own, yes_no, spaces = language(lang).questions, language(lang).yes_no, language(lang).words.spaces
    gap = " " if spaces else ""
    yes, beside = phrases((*yes_no.yes, *yes_no.also_yes), lang).pattern, phrases(yes_no.beside, lang).pattern
    return _Questions(
        particles=phrases(own.particles, lang),
        tags=phrases(own.tags, lang),
        unsure_before=phrases(own.unsure_before, lang),
        unsure_after=phrases(own.unsure_after, lang),
        turns=phrases(language(lang).negation.turns, lang),
        harmless=phrases(language(lang).negation.harmless, lang),
        confirmed=re.compile(f"{gap}{yes}(?:{gap}{beside}){{0,2}}{gap}(?:$|[{re.escape(CLAUSE_ENDS)}])"),
        pauses=language(lang).words.space_ends_clause,
        guesses=phrases(language(lang).alternatives.correlatives, lang),
    )
