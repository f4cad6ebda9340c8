"""Yes/no answers: they count only as the reply itself, not as a word of a sentence. The words are the language's [yes_no].

"No." and "No, it is not." reply no; "There is no way to know." replies nothing. Any word of the language for yes counts as "yes".
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.objections.context import CLAUSE_ENDS, as_context, context_of, phrases
from lm_eval_illusion.matching.text.lines import Line
from lm_eval_illusion.matching.text.orthography import fold_letters

_LONGEST_REPLY = 60
"""Characters within which a reply must end."""
_CLAUSE_END = re.compile(f"[{re.escape(CLAUSE_ENDS)}]")


class _YesNo(NamedTuple):
    replies: dict[str, frozenset[str]]
    """Answer -> all replies that mean the same."""
    beside: re.Pattern[str]
    announcing: re.Pattern[str]


def is_yes_or_no(answer: str, lang: str) -> bool:
    """Return whether an answer is a word for yes or no."""
    return _key(answer, lang) in yes_no_rules(lang).replies


def replies(line: Line, answer: str) -> bool:
    """Return whether a line begins with the reply yes or no, and that is the answer."""
    same = yes_no_rules(line.lang).replies.get(_key(answer, line.lang))
    return same is not None and _reply(line) in same


@lru_cache(maxsize=20_000)
def _key(answer: str, lang: str) -> str:
    """Return an answer without signs around it, in the spelling that the language folds. Most answers are compared and are no reply."""
    return fold_letters(answer, lang).strip(" .,!。।")


def _reply(line: Line) -> str:
    """Return the text before the first mark, without what may stand beside a reply."""
    rules = yes_no_rules(line.lang)
    text = context_of(line).text[:_LONGEST_REPLY]
    spaces = language(line.lang).words.spaces
    for _ in range(2):
        end = _CLAUSE_END.search(text)
        first = text[: end.start()] if end else text
        left = rules.announcing.sub("", first, 1).strip()
        if left or not end:
            # A question is no reply.
            is_reply = left and not (end and end[0] == "?")
            return (rules.beside.sub("", f" {left} " if spaces else left).strip() or left) if is_reply else ""
        text = text[end.end() :]
    return ""


@cache
def yes_no_rules(lang: str) -> _YesNo:
    """Return the patterns of a language."""
    own, prompt = language(lang).yes_no, language(lang).prompt
    answer_word = (prompt.answer,) if prompt else ()
    replies = {
        _key(word, lang): frozenset(as_context(reply, lang) for reply in (*words, *others))
        for words, others in ((own.yes, own.also_yes), (own.no, own.also_no))
        for word in words
    }
    return _YesNo(
        replies=replies,
        beside=phrases(own.beside, lang),
        announcing=phrases(own.announcing + answer_word, lang),
    )
