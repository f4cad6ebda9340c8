"""Where a line says an answer, in whatever form: the finders, from the plainest to the most lenient.

A mention is only said. Whether it is affirmed is decided by objections.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.answer_forms import AnswerForms, answer_forms
from lm_eval_illusion.matching.dates.answers import date_of
from lm_eval_illusion.matching.dates.date import Date, agrees
from lm_eval_illusion.matching.dates.decades import decade_of, find_decades, same_decade
from lm_eval_illusion.matching.dates.eras import with_other_era_names
from lm_eval_illusion.matching.dates.find import find_dates
from lm_eval_illusion.matching.numbers.forms import find_numbers, is_number
from lm_eval_illusion.matching.numbers.tokens import tokens_of
from lm_eval_illusion.matching.objections.yes_no import replies
from lm_eval_illusion.matching.quantities.measured import Quantity, find_quantities, is_only_number, quantity_of, same_quantity
from lm_eval_illusion.matching.text.accents import contradict
from lm_eval_illusion.matching.text.lines import Line, line_of, without_spaces
from lm_eval_illusion.matching.text.number_neighbours import is_other_number
from lm_eval_illusion.matching.text.word_boundaries import find_answer
from lm_eval_illusion.matching.words.class_words import without_class_word
from lm_eval_illusion.matching.words.clitics import find_with_clitics
from lm_eval_illusion.matching.words.conjugation import find_conjugated, find_conjugated_in_characters
from lm_eval_illusion.matching.words.inflection import find_inflected
from lm_eval_illusion.matching.words.person_names import find_person
from lm_eval_illusion.matching.words.spellings import find_with_initials, find_with_other_spaces, find_without_accents

_DISAMBIGUATED = re.compile(r"(?P<name>[^\W\d_][^()（）\d]{2,})[ （]\(?[^\W\d_][^()（）\d]{3,}[)）]")
"""The title of an article: Mercury (planet)."""


class Mention(NamedTuple):
    """A place where a line says an answer: `line[start:end]`, and the rule that found it."""

    start: int
    end: int
    rule: str


def equals(text: str, answer: str, lang: str) -> bool:
    """Return whether a line is an answer and nothing else, after normalisation."""
    forms = answer_forms(answer, lang)
    normal = line_of(text, lang, forms.keeps_articles).normal
    if forms.date is not None and date_of(text, lang) == forms.date:
        return True
    if forms.decade is not None and (decade := decade_of(text, lang)) is not None:
        return same_decade(decade, forms.decade)
    if forms.quantity is not None and _is_quantity(text, forms.quantity, lang):
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
    if replies(line, answer):
        yield Mention(0, len(text), "yes_no")
    if forms.decade is not None:
        yield from _decades(text, lang, forms.decade)
        return
    if forms.quantity is not None:
        yield from _quantities(text, lang, forms.quantity)
        return
    if forms.date is not None:
        yield from _dates(text, lang, forms.date)
        if forms.date.month is not None:
            return
    if forms.has_spaces:
        yield from _in_words(line, forms)
        yield from _with_clitics(line, forms)
        if not is_number(answer, lang):
            # The forms of numerals are those of numbers: 2 seconds are not the second one.
            yield from _inflected(line, forms, answer)
        yield from _spelled(line, answer, forms)
    else:
        yield from _in_characters(line, forms)
    for said in (answer, *(with_other_era_names(answer, lang) if forms.has_spaces and forms.date is None else ())):
        for start, end in find_numbers(text, said, lang):
            yield Mention(start, end, "number")
    yield from _conjugated(line, forms)
    title = _DISAMBIGUATED.fullmatch(answer)
    if title:
        # Behind the name, other parentheses make another thing of it: Congo (Brazzaville).
        found = mentions(text, title["name"], lang)
        yield from (mention for mention in found if not text[mention.end :].lstrip().startswith(("(", "（")))
    name = without_class_word(answer, lang)
    if name is not None:
        yield from (mention._replace(rule="class_word") for mention in mentions(text, name, lang))


def _dates(text: str, lang: str, date: Date) -> Iterator[Mention]:
    tokens = tokens_of(text, lang)
    for found in find_dates(tokens):
        if agrees(found.date, date):
            yield Mention(*tokens.span(found.first, found.after), "date")


def _decades(text: str, lang: str, first_year: int) -> Iterator[Mention]:
    tokens = tokens_of(text, lang)
    for found in find_decades(tokens):
        if same_decade(found.first_year, first_year):
            yield Mention(*tokens.span(found.first, found.after), "date")


def _quantities(text: str, lang: str, quantity: Quantity) -> Iterator[Mention]:
    tokens = tokens_of(text, lang)
    for found in find_quantities(tokens, quantity):
        if same_quantity(found.quantity, quantity):
            yield Mention(*tokens.span(found.first, found.after), "unit")


def _is_quantity(text: str, quantity: Quantity, lang: str) -> bool:
    found = quantity_of(text, lang)
    return is_only_number(text, quantity, lang) if found is None else same_quantity(found, quantity)


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


def _inflected(line: Line, forms: AnswerForms, answer: str) -> Iterator[Mention]:
    for form in forms.forms:
        words = tuple(form.split())
        for first in find_inflected(words, line.words, line.lang):
            # The uninflected answer is found as words; there a number must not be a part of another.
            if line.words[first : first + len(words)] == words:
                continue
            before = len(" ".join(line.words[:first])) + bool(first)
            after = before + len(" ".join(line.words[first : first + len(words)]))
            start, end = line.span(first, first + len(words))
            if not is_other_number(line.normal, before, after, line.lang) and not _is_other_name(line, start, end, answer):
                yield Mention(start, end, "inflected")


def _is_other_name(line: Line, start: int, end: int, answer: str) -> bool:
    """Return whether the capitals of a line show that an inflected word is a common noun, or one name with the word behind it."""
    record = language(line.lang)
    if not (record.words.capitals_mark_names and answer[:1].isupper() and any(map(str.isupper, line.text))):
        return False
    before_name = record.inflection.before_name
    joins = before_name is not None and " " not in answer and before_name.search(line.text[start:end]) is not None
    return not line.text[start].isupper() or (
        joins and line.text[end : end + 1] == " " and line.text[end + 1 : end + 2].isupper()
    )


def _conjugated(line: Line, forms: AnswerForms) -> Iterator[Mention]:
    if language(line.lang).conjugation.dictionary_form is None:
        return
    for form in forms.forms:
        if forms.has_spaces:
            answer = tuple(form.split())
            for first in find_conjugated(answer, line.words, line.lang):
                yield Mention(*line.span(first, first + len(answer)), "inflected")
        else:
            for clause in line.clauses:
                for start, end in find_conjugated_in_characters(without_spaces(form), clause.normal, line.lang):
                    yield Mention(*clause.span(start, end), "inflected")


def _spelled(line: Line, answer: str, forms: AnswerForms) -> Iterator[Mention]:
    for first, after in (
        *find_without_accents(answer, forms.forms, line.words, line.lang),
        *find_with_other_spaces(forms.forms, line.words, line.lang),
        *find_with_initials(answer, forms.forms, line.words),
        *find_person(answer, line),
    ):
        yield Mention(*line.span(first, after), "spelling")


def _in_characters(line: Line, forms: AnswerForms) -> Iterator[Mention]:
    for form in map(without_spaces, forms.forms):
        for clause in (line.whole,) if forms.crosses_clauses else line.clauses:
            for start, end in find_answer(form, clause.normal, line.lang):
                yield Mention(*clause.span(start, end), "words")
