"""Denied mentions: "not Oslo", "Oslo is wrong", "all but Oslo". The words are the language's [negation].

A negator denies what stands in its clause, on the side or sides where the language has it. "but" and the like end its scope, and before a
mention only the nearest words count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.mentions import Mention
from lm_eval_illusion.matching.objections.context import (
    CLAUSE_ENDS,
    SENTENCE_ENDS,
    Around,
    Context,
    as_context,
    context_of,
    phrases,
)
from lm_eval_illusion.matching.text.lines import Line

# How many words may stand between a mention and what denies it.
_FAR, _NEAR, _ADJACENT = 8, 3, 1


class _Negation(NamedTuple):
    """The patterns of a language's [negation]; `borders` are turns and stops."""

    before: re.Pattern[str]
    after: re.Pattern[str]
    next_to: re.Pattern[str]
    except_before: re.Pattern[str]
    except_after: re.Pattern[str]
    harmless: re.Pattern[str]
    turns: re.Pattern[str]
    borders: re.Pattern[str]
    wrong: re.Pattern[str]
    beliefs: re.Pattern[str]
    spaces: bool


def is_denied(line: Line, mention: Mention, answers: Sequence[str]) -> bool:
    """Return whether a line denies a mention. The arguments are those of an objection."""
    rules = negation_rules(line.lang)
    context = context_of(line)
    around = context.around(mention).within(SENTENCE_ENDS)
    sentence = around.hide(rules.harmless)
    clause = sentence.within(CLAUSE_ENDS)
    if _follows(rules.except_before, clause.before, _NEAR, rules) or _is_near(rules.except_after, clause.after, _NEAR, rules):
        # "nothing without Oslo", "no city except Oslo": two negations affirm.
        others = f"{rules.except_before.sub('', sentence.before)}|{rules.except_after.sub('', sentence.after)}"
        return not any(pattern.search(others) for pattern in (rules.before, rules.after, rules.next_to))
    return (
        _follows(rules.before, clause.before, _FAR, rules)
        or _is_denied_behind(clause.after, line, mention, rules)
        or _is_called_wrong(around.after, context, mention, rules)
        or _is_mere_belief(around, rules)
    )


def _follows(pattern: re.Pattern[str], before: str, words: int, rules: _Negation) -> bool:
    """Return whether the last match of a pattern is at most so many words away from the end of the text, with no "but" between."""
    end = _last_end(pattern, before)
    return end > 0 and end >= _last_end(rules.turns, before) and _words(before[end:], rules) <= words


def _is_denied_behind(after: str, line: Line, mention: Mention, rules: _Negation) -> bool:
    """Return whether a negator in the rest of the clause denies the mention."""
    # An ending may finish the statement, as in Korean 아연이지.
    if mention.rule != "words" and rules.borders.search(f" {as_context(line.text[mention.start : mention.end], line.lang)} "):
        return False
    border = rules.borders.search(after)
    return any(
        _is_near(pattern, after, words, rules, border) for pattern, words in ((rules.next_to, _ADJACENT), (rules.after, _FAR))
    )


def _is_called_wrong(after: str, context: Context, mention: Mention, rules: _Negation) -> bool:
    """Return whether the rest of the sentence says that the mention is wrong: "is wrong", ", which is a mistake"."""
    found = rules.wrong.search(after)
    if not found:
        return False
    until = after[: found.start()]
    if not any(mark in until for mark in CLAUSE_ENDS):
        return rules.borders.search(until) is None or not rules.spaces
    # Only a clause that refers to what was said: it begins with "but" or "which" and names nothing else.
    start = max(until.rfind(mark) for mark in CLAUSE_ENDS) + 1
    # "That it is Oslo, is wrong": the clause is nothing but the phrase.
    if until[:start].count(",") == 1 and _is_clause(after, start, found, rules):
        return True
    opening = rules.borders.match(until + " ", start + rules.spaces)
    offset = context.bounds(mention)[1]
    return (
        (opening is not None or rules.borders.match(after, start + rules.spaces) is not None)
        and _words(until[start:], rules) <= _NEAR * 2
        and not context.has_capital(offset + start, offset + len(until))
    )


def _is_clause(after: str, start: int, found: re.Match[str], rules: _Negation) -> bool:
    """Return whether a match is a whole clause, which begins at an index."""
    rest = after[found.end() :].lstrip()
    return rules.spaces and not after[start : found.start()].strip() and rest[:1] in ("", *CLAUSE_ENDS)


def _is_mere_belief(sentence: Around, rules: _Negation) -> bool:
    """Return whether the mention is a common opinion, which "but" turns down: "many say Oslo, but it is Bergen"."""
    beside = sentence.before[_last_end(rules.turns, sentence.before) :] + sentence.within(CLAUSE_ENDS).after
    return rules.beliefs.search(beside) is not None and rules.turns.search(sentence.after) is not None


def _is_near(pattern: re.Pattern[str], text: str, words: int, rules: _Negation, border: re.Match[str] | None = None) -> bool:
    """Return whether the first match of a pattern follows within so many words and stands before a border."""
    found = pattern.search(text)
    if found is None or _words(text[: found.start()], rules) > words:
        return False
    # A negator may itself be what ends the statement, as in Korean.
    return border is None or found.start() < border.start() or found.span() == border.span()


def _last_end(pattern: re.Pattern[str], text: str) -> int:
    """Return the index after the last match of a pattern, 0 if there is none."""
    return max((found.end() for found in pattern.finditer(text)), default=0)


def _words(text: str, rules: _Negation) -> float:
    """Return the number of words of a text; without spaces between words, two characters count as one."""
    return len(text.split()) if rules.spaces else len(text) / 2


@cache
def negation_rules(lang: str) -> _Negation:
    """Return the patterns of a language."""
    own = language(lang).negation
    return _Negation(
        before=phrases(own.before, lang),
        after=phrases(own.after, lang),
        next_to=phrases(own.next_to, lang),
        except_before=phrases(own.except_before, lang),
        except_after=phrases(own.except_after, lang),
        harmless=phrases(own.harmless, lang),
        turns=phrases(own.turns, lang),
        borders=phrases(own.turns + own.stops, lang),
        wrong=phrases(own.wrong, lang),
        beliefs=phrases(own.beliefs, lang),
        spaces=language(lang).words.spaces,
    )
