"""What a question must be to be taken in, by itself and together with the others; each mistake in one line with its place."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.languages import words_of
from lm_eval_illusion.pairing.compact import compact

if TYPE_CHECKING:
    from lm_eval_illusion.pairing.source import Question

LONGEST = {"context": 100_000, "question": 10_000, "answer": 1_000, "alias": 1_000, "choice": 1_000}
"""Characters that a field may have."""


def check_question(question: Question, row: Mapping[str, Any]) -> None:
    """Check what one line shows; `row` is the question as it was written.

    Raises:
        UserError: names the place and the field.
    """
    place = question.place
    check_language(question)
    if not question.id.strip() or question.id != "".join(c for c in question.id if c.isprintable()):
        raise UserError(f"{place}: id {question.id!r} is empty or has characters that can't be seen: give a plain one")
    _check_lengths(question)
    for field in ("question", "answer"):
        if not any(unicodedata.category(character)[0] in "LN" for character in getattr(question, field)):
            raise UserError(f"{place}: {field} {row[field]!r} has no letter and no digit: give one, or leave the line out")
    if question.choices:
        _check_choices(question, row.get("gold"))


def check_together(questions: Iterable[Question]) -> None:
    """Check what no line shows alone.

    Raises:
        UserError: an id twice in one language, or with different answer types over the languages, or with choices in some of them only.
    """
    seen: dict[tuple[str, str], Question] = {}
    firsts: dict[str, Question] = {}
    for question in questions:
        twin = seen.setdefault((question.id, question.lang), question)
        if twin is not question:
            raise UserError(
                f"{question.place}: id {question.id!r} is in {question.lang} twice, first at {twin.place}: give every question its own id"
            )
        _check_like_first(question, firsts.setdefault(question.id, question))


def _check_like_first(question: Question, first: Question) -> None:
    named = f"{question.place}: id {question.id!r} has"
    if first.answer_type != question.answer_type:
        raise UserError(
            f"{named} answer_type {question.answer_type!r}, but {first.answer_type!r} at"
            f" {first.place}: one id is one question in all languages, give one type"
        )
    if bool(first.choices) != bool(question.choices):
        has, lacks = ("no choices", "some") if first.choices else ("choices", "none")
        raise UserError(f"{named} {has} in {question.lang}, but {lacks} in {first.lang} at {first.place}: give all or none")


def check_language(question: Question) -> None:
    """The language must have words for the prompt.

    Raises:
        UserError: with the place.
    """
    try:
        words_of(question.lang)
    except UserError as error:
        raise UserError(f"{question.place}: {error}") from error


def _check_lengths(question: Question) -> None:
    fields = [("context", question.context), ("question", question.question), ("answer", question.answer)]
    fields += [("alias", alias) for alias in question.aliases] + [("choice", choice) for choice in question.choices]
    for field, text in fields:
        if len(text) > LONGEST[field]:
            advice = "the passage that the question is about, not the whole text" if field == "context" else "a shorter one"
            raise UserError(
                f"{question.place}: {field} of {len(text):,} characters is longer than {LONGEST[field]:,}: give {advice}"
            )


def _check_choices(question: Question, gold: object) -> None:
    place, choices = question.place, question.choices
    if len(choices) != 4:
        raise UserError(f"{place}: {len(choices)} choices: give four, or none to have them made")
    if isinstance(gold, bool) or not isinstance(gold, int) or gold not in range(4):
        raise UserError(f"{place}: gold {gold!r} is not 0, 1, 2 or 3: give the place of the answer in choices")
    if choices[gold] != question.answer:
        raise UserError(f"{place}: choices[{gold}] is {choices[gold]!r}, the answer {question.answer!r}: make them the same")
    right = {compact(alias, question.lang): alias for alias in question.aliases}
    said: dict[str, str] = {}
    for number, choice in enumerate(choices):
        key = compact(choice, question.lang)
        if not key:
            raise UserError(f"{place}: choice {choice!r} has no letter and no digit: give one that says something")
        if key in said:
            raise UserError(
                f"{place}: choices {said[key]!r} and {choice!r} are the same to the matcher: give four different ones"
            )
        if number != gold and key in right:
            raise UserError(f"{place}: wrong choice {choice!r} is the alias {right[key]!r}: take one of the two out")
        said[key] = choice
