"""Mentions that the speaker takes back: "Oslo... no, Bergen", "Oslo. Sorry, I mean Bergen." The words are [corrections].

A correction needs another answer in place of the first: "Oslo. No, really." and "Oslo. Actually, it is an old town." take nothing back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.mentions import Mention
from lm_eval_illusion.matching.objections.context import CLAUSE_ENDS, Context, as_context, context_of, phrases
from lm_eval_illusion.matching.text.lines import Line

_REACH = 120
"""Characters behind a mention in which a correction may begin."""
_MOST_WORDS, _MOST_COMMON_WORDS = 4, 2
"""Words of the new answer: a name, or a common noun."""
_CHARACTERS_PER_WORD = 4
_MARK = re.compile(f"[{re.escape(CLAUSE_ENDS)}] ?")


class _Corrections(NamedTuple):
    withdrawals: re.Pattern[str]
    leads: re.Pattern[str]
    negators: re.Pattern[str]
    tags: re.Pattern[str]
    spaces: bool


def is_corrected(line: Line, mention: Mention, answers: Sequence[str]) -> bool:
    """Return whether a line takes a mention back and gives another answer. The arguments are those of an objection."""
    rules = correction_rules(line.lang)
    context = context_of(line)
    after = context.around(mention).after
    found = rules.withdrawals.search(after, 0, _REACH)
    while found:
        if _MARK.search(after[: found.start()].rstrip()[-1:]) and _gives_other(after, found, context, mention, answers):
            return True
        found = rules.withdrawals.search(after, found.end(), _REACH)
    return False


def _gives_other(after: str, found: re.Match[str], context: Context, mention: Mention, answers: Sequence[str]) -> bool:
    """Return whether another answer of the same kind follows the words that take the mention back."""
    rules = correction_rules(context.line.lang)
    if _is_tag(after, found, rules) or _denies_next(after, found, rules):
        return False
    at = found.end() + rules.spaces
    is_led = " " in found[0] or not rules.spaces
    if not is_led and rules.negators.match(after, found.start()) and not _MARK.match(after, at):
        # In many languages "no" is also "not": it takes nothing back before a verb.
        return False
    while next_part := _MARK.match(after, at) or rules.leads.match(after, at) or rules.withdrawals.match(after, at):
        at = next_part.end() + (rules.spaces and not next_part[0].endswith(" "))
        is_led = True
    end = _MARK.search(after, at)
    other = after[at : end.start() if end else len(after)].strip()
    count = len(other.split()) if rules.spaces else -(-len(other) // _CHARACTERS_PER_WORD)
    if not is_led or not 0 < count <= _MOST_WORDS or rules.negators.search(f" {other} "):
        return False
    if any(as_context(answer, context.line.lang) in other for answer in answers):
        return False
    begin, stop = context.bounds(mention)
    if any(map(str.isdigit, context.text[begin:stop])):
        return any(map(str.isdigit, other))
    if context.has_capital(begin, stop):
        return context.has_capital(stop + at, stop + at + 1)
    return count <= _MOST_COMMON_WORDS


def _is_tag(after: str, found: re.Match[str], rules: _Corrections) -> bool:
    """Return whether the words are a short question behind a statement: "Zurich is bigger, no?"."""
    if not (after[found.end() :].lstrip().startswith("?") and after[: found.start()].rstrip().endswith((",", "¿"))):
        return False
    tag = rules.tags.match(after, found.start())
    return tag is not None and tag.end() == found.end()


def _denies_next(after: str, found: re.Match[str], rules: _Corrections) -> bool:
    """Return whether "no" is said twice, and the second one denies what follows: Spanish "Es Berna. No, no es Zúrich."."""
    mark = _MARK.match(after, found.end() + 1) if rules.spaces else None
    if mark is None:
        return False
    at = mark.end() + (not mark[0].endswith(" "))
    again = rules.withdrawals.match(after, at)
    return again is not None and rules.negators.match(after, at) is not None and not _MARK.match(after, again.end() + 1)


@cache
def correction_rules(lang: str) -> _Corrections:
    """Return the patterns of a language."""
    own = language(lang).corrections
    return _Corrections(
        withdrawals=phrases(own.withdrawals, lang),
        leads=phrases(own.leads, lang),
        negators=phrases(language(lang).negation.before, lang),
        tags=phrases(language(lang).questions.tags, lang),
        spaces=language(lang).words.spaces,
    )
