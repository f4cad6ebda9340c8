"""Decide whether an output contains an answer: the metrics `match`, `exact_match` and `f1`.

Outputs and answers are compared in a normal form (normalize). An answer has several forms (answer_forms). `mentions` finds the places
where the output says one; `objections` decides whether such a place counts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from lm_eval_illusion.first_line import first_line, placed_first_line
from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.answer_forms import answer_forms
from lm_eval_illusion.matching.dates.date_words import date_words
from lm_eval_illusion.matching.mentions import equals, mentions
from lm_eval_illusion.matching.objections.objections import objection_to, prepare_objections
from lm_eval_illusion.matching.quantities.measured import unit_words
from lm_eval_illusion.matching.text.lines import line_of
from lm_eval_illusion.matching.text.markup import without_markup
from lm_eval_illusion.matching.text.next_question import end_of_answer
from lm_eval_illusion.matching.text.normalize import normalise
from lm_eval_illusion.matching.text.orthography import fold_letters

__all__ = ["RULES_VERSION", "Match", "exact_match", "explain", "f1", "first_line", "matches", "normalise", "occurs_in_passage"]

RULES_VERSION = 3
"""Version of the rules of `explain`. Raise it with each change that can change a verdict: stored verdicts are then judged again."""


class Match(NamedTuple):
    """Whether an output says and affirms an answer, and why.

    Attributes:
        matched: It does (metric `match`).
        answer: The answer or alias that was found, also where it does not count; None if none was found.
        rule: The rule that found it, or the objection against it, or "not_said".
        span: First and last index + 1 of the found text in the output; None if none was found.
    """

    matched: bool
    answer: str | None
    rule: str
    span: tuple[int, int] | None


def explain(output: str, answers: Sequence[str], lang: str) -> Match:
    """Return whether the first visible line of an output says and affirms an answer, which one, where, and by which rule.

    An answer is said if the line has it as whole words, or as characters in a language that writes no spaces between words. Every form
    that the language gives it counts: an inflected form, another spelling, a number in words or digits, a date, a percentage or a
    quantity in another notation. An answer that is empty after normalisation is never said.

    What is said is affirmed if nothing in the line objects. It must not be denied, asked, unknown, one of several alternatives, or
    taken back. It must not be a part of something else: a longer name, another number, a date before Christ. An answer that is yes or
    no counts only as a reply. One affirmed mention is enough. A line that is the answer and nothing else always counts.

    docs/matching.md describes how this is decided and how often it is wrong; `rule_names` lists the rules.

    Args:
        output: The generated text.
        answers: The answer and its aliases.
        lang: ISO 639-1 code.

    Raises:
        TypeError: `answers` is one string.
        UserError: CLDR does not know the language.
    """
    _check(answers)
    line, offset = placed_first_line(output)
    for answer in answers:
        if equals(line, answer, lang):
            return Match(True, answer, "equal", (offset, offset + len(line)))
    _prepare(lang)
    plain = without_markup(line[: end_of_answer(line, lang)], answers)
    text = plain.text
    rejected = None
    for answer in answers:
        for mention in mentions(text, answer, lang):
            objection = objection_to(line_of(text, lang), mention, answers)
            start, end = plain.place(mention.start, mention.end)
            found = Match(objection is None, answer, objection or mention.rule, (offset + start, offset + end))
            if found.matched:
                return found
            rejected = rejected or found
    return rejected or Match(False, None, "not_said", None)


def matches(output: str, answers: Sequence[str], lang: str) -> bool:
    """Return whether the first visible line of an output says and affirms an answer (metric `match`; it decides *produced*).

    Arguments and errors are those of `explain`, which also tells why.
    """
    return explain(output, answers, lang).matched


def exact_match(output: str, answers: Sequence[str], lang: str) -> bool:
    """Return whether the first line of an output equals an answer after normalisation (metric `exact_match`).

    Arguments and errors are those of `matches`.
    """
    _check(answers)
    line = first_line(output)
    return any(equals(line, answer, lang) for answer in answers)


def f1(output: str, answers: Sequence[str], lang: str) -> float:
    """Return the best token F1 of the first line over all answers, 0 to 1 (Rajpurkar et al., SQuAD, 2016, section 6.1).

    In a language that writes no spaces between words, characters are the tokens. Arguments and errors are those of `matches`.
    """
    _check(answers)
    output_tokens = _tokens(normalise(first_line(output), lang), lang)
    forms = (form for answer in answers for form in answer_forms(answer, lang).forms)
    return max((_f1(output_tokens, _tokens(form, lang)) for form in forms), default=0.0)


def occurs_in_passage(text: str, passage: str, lang: str) -> bool:
    """Return whether a passage contains a text, in any letter case and also within a word; a number must be a whole number there."""
    folded, folded_passage = _folded(text, lang), _folded(passage, lang)
    start = folded_passage.find(folded)
    if start < 0:
        return False
    end = start + len(folded)
    # Compiling the pattern takes long. Most texts stand alone where they are first found.
    if not (folded_passage[max(0, start - 1) : start].isdecimal() or folded_passage[end : end + 1].isdecimal()):
        return True
    return re.search(rf"(?<!\d){re.escape(folded)}(?!\d)", folded_passage) is not None


_folded = lru_cache(maxsize=2_000)(fold_letters)


@cache
def _prepare(lang: str) -> None:
    """Build the tables of a language, so that the first date or the first quantity does not take longer than the next."""
    date_words(lang)
    unit_words(lang)
    prepare_objections(lang)


def _check(answers: Sequence[str]) -> None:
    if isinstance(answers, str):
        raise TypeError(f"answers must be a list of strings, not the string {answers!r}: write [{answers!r}]")


def _tokens(normalised: str, lang: str) -> list[str]:
    return normalised.split() if language(lang).words.spaces else list(normalised.replace(" ", ""))


def _f1(output: Iterable[str], answer: Iterable[str]) -> float:
    output_counts, answer_counts = Counter(output), Counter(answer)
    shared = (output_counts & answer_counts).total()
    if not shared:
        return 0.0
    precision, recall = shared / output_counts.total(), shared / answer_counts.total()
    return 2 * precision * recall / (precision + recall)
