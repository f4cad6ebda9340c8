"""Where a line says an answer, in whatever form: the finders, from the plainest to the most lenient.

A mention is only said. Whether it is affirmed is decided by objections.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from lm_eval_illusion.matching.accents import contradict
from lm_eval_illusion.matching.answer_forms import AnswerForms, answer_forms
from lm_eval_illusion.matching.inflection import find_inflected
from lm_eval_illusion.matching.lines import Line, line_of, without_spaces
from lm_eval_illusion.matching.quantities import is_other_number
from lm_eval_illusion.matching.spellings import find_with_initials, find_with_other_spaces, find_without_accents
from lm_eval_illusion.matching.word_boundaries import find_answer, find_with_clitics


class Mention(NamedTuple):
    """A place where a line says an answer: `line[start:end]`, and the rule that found it."""

    start: int
    end: int
    rule: str


def equals(text: str, answer: str, lang: str) -> bool:
    """Return whether a line is an answer and nothing else, after normalisation."""
    forms = answer_forms(answer, lang)
    normal = line_of(text, lang, forms.keeps_articles).normal
    if normal == forms.whole_output_form:
        return True
    is_equal = normal in forms.forms if forms.has_spaces else without_spaces(normal) in map(without_spaces, forms.forms)
    return is_equal and not contradict(text, answer, lang)


def mentions(text: str, answer: str, lang: str) -> Iterator[Mention]:
    """Yield the places where a line contains an answer, rule by rule, each rule from left to right.

    Args:
        text: The first visible line of an output.
        answer: One answer.
        lang: ISO 639-1 code.
    """
    forms = answer_forms(answer, lang)
    if forms.capitals and not forms.capitals.search(unicodedata.normalize("NFKC", text)):
        return
    line = line_of(text, lang, forms.keeps_articles)
    if forms.has_spaces:
        yield from _in_words(line, forms)
        yield from _with_clitics(line, forms)
        yield from _inflected(line, forms)
        yield from _spelled(line, answer, forms)
    else:
        yield from _in_characters(line, forms)


def _in_words(line: Line, forms: AnswerForms) -> Iterator[Mention]:
    padded = f" {line.normal} "
    for form in forms.forms:
        start = padded.find(f" {form} ")
        while start >= 0:
            if not is_other_number(padded, start + 1, start + 1 + len(form), line.lang):
                first = padded.count(" ", 0, start)
                yield Mention(*line.span(first, first + form.count(" ") + 1), "words")
            start = padded.find(f" {form} ", start + 1)


def _with_clitics(line: Line, forms: AnswerForms) -> Iterator[Mention]:
    for form in forms.forms:
        answer = tuple(form.split())
        for first in find_with_clitics(answer, line.words, line.lang):
            yield Mention(*line.span(first, first + len(answer)), "clitic")


def _inflected(line: Line, forms: AnswerForms) -> Iterator[Mention]:
    for form in forms.forms:
        answer = tuple(form.split())
        for first in find_inflected(answer, line.words, line.lang):
            yield Mention(*line.span(first, first + len(answer)), "inflected")


def _spelled(line: Line, answer: str, forms: AnswerForms) -> Iterator[Mention]:
    for first, after in (
        *find_without_accents(answer, forms.forms, line.words, line.lang),
        *find_with_other_spaces(forms.forms, line.words, line.lang),
        *find_with_initials(answer, forms.forms, line.words),
    ):
        yield Mention(*line.span(first, after), "spelling")


def _in_characters(line: Line, forms: AnswerForms) -> Iterator[Mention]:
    for form in map(without_spaces, forms.forms):
        for clause in (line.whole,) if forms.crosses_clauses else line.clauses:
            for start, end in find_answer(form, clause.normal, line.lang):
                yield Mention(*clause.span(start, end), "words")
