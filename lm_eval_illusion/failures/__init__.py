"""How an answer that is not produced fails: one failure mode for each such answer.

`failure_mode` applies the rules in the order of `FAILURE_MODES`, and the first one that holds is the mode. The rules are stated in
docs/concepts.md; each of the other modules of this package has one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lm_eval_illusion.failures.distractors import names_distractor
from lm_eval_illusion.failures.echo import is_echo
from lm_eval_illusion.failures.empty import is_empty
from lm_eval_illusion.failures.other_language import is_other_language
from lm_eval_illusion.failures.refusal import is_refusal
from lm_eval_illusion.failures.repetition import has_loop, repeats_first_line
from lm_eval_illusion.failures.truncation import looks_truncated
from lm_eval_illusion.matching import first_line
from lm_eval_illusion.matching.text.cldr import is_known
from lm_eval_illusion.reasoning import answer_after_thoughts

__all__ = ["FAILURE_MODES", "FailedAnswer", "can_judge", "failure_mode"]

FAILURE_MODES = ("empty", "repetition", "refusal", "echo", "other_language", "distractor", "truncated", "other_answer")
"""All failure modes, in the order in which their rules are tried."""

MOST_CHARACTERS = 4000
"""Only this much of a response and of a question is judged. The answers of our views have at most 64 tokens."""


@dataclass(frozen=True)
class FailedAnswer:
    """An answer that is not produced, and the item that it answers.

    `response`: the whole text that the backend returned, thoughts included. `lang`: ISO 639-1 code. `context`: the passage, empty for a
    closed-book item. `answers`: the gold answer and its aliases. `distractors`: the wrong options. `truncated`: whether the token limit
    cut the answer, None if the backend does not tell.
    """

    response: str
    lang: str
    question: str = ""
    context: str = ""
    answers: Sequence[str] = ()
    distractors: Sequence[str] = ()
    truncated: bool | None = None


def can_judge(lang: str) -> bool:
    """Return whether answers in a language have a failure mode: CLDR must know it, as for matching."""
    return is_known(lang)


def failure_mode(failed: FailedAnswer) -> str:
    """Return the failure mode of an answer, one of `FAILURE_MODES`. The answer is the first line with visible text, as in matching.

    Takes time linear in the length of the texts, and raises for none of them.

    Raises:
        UserError: CLDR does not know the language.
    """
    response = answer_after_thoughts(failed.response)
    if response is None:
        # A thought that does not end: no answer was begun.
        return "truncated"
    response = response[:MOST_CHARACTERS]
    line = first_line(response)
    question = failed.question[:MOST_CHARACTERS]
    options = [*failed.answers, *failed.distractors]
    lang = failed.lang
    # Also where the limit ended a run of blank lines: only some backends tell this, and the answer is as blank on the others.
    if is_empty(line):
        return "empty"
    if has_loop(line) or repeats_first_line(response):
        return "repetition"
    if is_refusal(line, lang):
        return "refusal"
    if is_echo(line, question, options, lang):
        return "echo"
    if is_other_language(line, question, options, lang, failed.context):
        return "other_language"
    if names_distractor(line, question, failed.distractors, lang):
        return "distractor"
    if looks_truncated(response) if failed.truncated is None else failed.truncated:
        return "truncated"
    return "other_answer"
