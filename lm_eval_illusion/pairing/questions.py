"""The `Question` record and the checks that every question passes before pairing, alone and together with the others.

Each mistake becomes a one-line `UserError` with the location ("file:line") of the question.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.languages import LONGEST_CODE, prompt_words
from lm_eval_illusion.matching.text.normalize import compact
from lm_eval_illusion.option_values import shown

MAX_CHARACTERS = {
    **{"context": 100_000, "question": 10_000, "answer": 1_000, "alias": 1_000, "choice": 1_000},
    **{"id": 1_000, "lang": LONGEST_CODE, "answer_type": 1_000, "topic": 1_000, "source": 10_000, "license": 10_000},
}
"""The most characters that a field may have."""
_ADVICE = {
    "context": "the passage that the question is about, not the whole text",
    "lang": "a code of letters, digits and hyphens, as in fi",
}


@dataclass(frozen=True)
class Question:
    """One question in one language with its right answer, and its four options if the source gives them.

    `id`: the same for all translations of a question. `topic`: what the question is about (the title of an article), "" if unknown.
    `location`: where the question was read, "file:line".
    """

    id: str
    lang: str
    question: str
    context: str
    answer: str
    aliases: tuple[str, ...] = ()
    answer_type: str = ""
    topic: str = ""
    choices: tuple[str, ...] = ()
    source: str = ""
    license: str = ""
    location: str = ""


def check_question(question: Question, row: Mapping[str, object], extra_languages: Collection[str] = ()) -> None:
    """Check one question by itself. `row`: the question as it was read, before cleaning; its `gold` may be of any type.

    `extra_languages`: languages whose prompt words come from elsewhere than a language file.

    Raises:
        UserError: The language has no prompt words; the id is empty or has invisible characters; a field is too long; the question
            or the answer has neither letter nor digit; the choices are not four different ones with the answer at index `gold`.
    """
    location = question.location
    _check_lengths(question)
    if question.lang not in extra_languages:
        check_language(question)
    if not question.id.strip() or not question.id.isprintable():
        raise UserError(f"{location}: id {shown(question.id)} is empty or has characters that can't be seen: give a plain one")
    for field, text in (("question", question.question), ("answer", question.answer)):
        if not any(unicodedata.category(character)[0] in "LN" for character in text):
            raise UserError(
                f"{location}: {field} {shown(row[field])} has no letter and no digit: give one, or leave the line out"
            )
    if question.choices:
        _check_choices(question, row.get("gold"))


def check_language(question: Question) -> None:
    """Check that the prompt can be written in the question's language.

    Raises:
        UserError: The code is malformed, or the language has no prompt words; with the location.
    """
    try:
        prompt_words(question.lang)
    except UserError as error:
        raise UserError(f"{question.location}: {error}") from error


def _check_lengths(question: Question) -> None:
    names = ("id", "lang", "context", "question", "answer", "answer_type", "topic", "source", "license")
    fields = [(name, getattr(question, name)) for name in names]
    fields += [("alias", alias) for alias in question.aliases] + [("choice", choice) for choice in question.choices]
    for field, text in fields:
        if len(text) > MAX_CHARACTERS[field]:
            advice = _ADVICE.get(field, "a shorter one")
            raise UserError(
                f"{question.location}: {field} of {len(text):,} characters is longer than {MAX_CHARACTERS[field]:,}: give {advice}"
            )


def _check_choices(question: Question, gold: object) -> None:
    location, choices = question.location, question.choices
    if len(choices) != 4:
        raise UserError(f"{location}: {len(choices)} choices: give four, or none to have them made")
    if isinstance(gold, bool) or not isinstance(gold, int) or gold not in range(4):
        raise UserError(f"{location}: gold {shown(gold)} is not 0, 1, 2 or 3: give the index of the answer in choices")
    if choices[gold] != question.answer:
        raise UserError(
            f"{location}: choices[{gold}] is {shown(choices[gold])}, the answer {shown(question.answer)}: make them the same"
        )
    alias_of = {compact(alias, question.lang): alias for alias in question.aliases}
    seen: dict[str, str] = {}
    for index, choice in enumerate(choices):
        key = compact(choice, question.lang)
        if not key:
            raise UserError(f"{location}: choice {shown(choice)} has no letter and no digit: give one that has")
        if key in seen:
            raise UserError(
                f"{location}: choices {shown(seen[key])} and {shown(choice)} are the same to the matcher: give four different ones"
            )
        if index != gold and key in alias_of:
            raise UserError(
                f"{location}: wrong choice {shown(choice)} is the alias {shown(alias_of[key])}: take one of the two out"
            )
        seen[key] = choice


def check_consistency(questions: Iterable[Question]) -> None:
    """Check the questions of a file against each other.

    Raises:
        UserError: An id occurs twice in one language, or its languages differ in answer type, or only some of them have choices.
    """
    by_id_and_language: dict[tuple[str, str], Question] = {}
    first_of_id: dict[str, Question] = {}
    for question in questions:
        earlier = by_id_and_language.setdefault((question.id, question.lang), question)
        if earlier is not question:
            raise UserError(
                f"{question.location}: id {shown(question.id)} is in {question.lang} twice, first at {earlier.location}:"
                " give every question its own id"
            )
        _check_translation(question, first_of_id.setdefault(question.id, question))


def _check_translation(question: Question, first: Question) -> None:
    """Compare a question with the first one of the same id."""
    begin = f"{question.location}: id {shown(question.id)} has"
    if first.answer_type != question.answer_type:
        raise UserError(
            f"{begin} answer_type {shown(question.answer_type)}, but {shown(first.answer_type)} at"
            f" {first.location}: one id is one question in all languages, give one type"
        )
    if bool(first.choices) != bool(question.choices):
        here, there = ("no choices", "some") if first.choices else ("choices", "none")
        raise UserError(f"{begin} {here} in {question.lang}, but {there} in {first.lang} at {first.location}: give all or none")
