"""The `Question` record and the checks that every question passes before pairing, alone and together with the others.

Each mistake is a `BadRowError`: a one-line `UserError` with the location ("file:line") of the question.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.languages import LONGEST_CODE, language_codes, prompt_words
from lm_eval_illusion.matching.text.normalize import compact
from lm_eval_illusion.option_values import shown
from lm_eval_illusion.pairing.reading.language_codes import is_language_tag, near_languages
from lm_eval_illusion.pairing.reading.rows import BadRowError

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


class Reason:
    """The kinds of mistakes, by which the rows that can't be used are counted."""

    TOO_LONG = "a field is too long"
    ID = "the id is empty or can't be seen"
    LANGUAGE = "the language has no prompt words"
    NO_LETTER = "the question or the answer has no letter and no digit"
    CHOICES = "not four different choices with one right answer"
    TWICE = "an id stands for two questions of a language"
    TYPES = "the languages of an id differ in their answer type"
    SOME_CHOICES = "only some languages of an id have choices"


def check_question(question: Question, gold: object = None, extra_languages: Collection[str] = ()) -> None:
    """Check one question by itself.

    Args:
        question: The question, cleaned.
        gold: The index of the answer in the choices, as it was read: of any type.
        extra_languages: Languages whose prompt words come from elsewhere than a language file.

    Raises:
        BadRowError: The language has no prompt words; the id is empty or has invisible characters; a field is too long; the question
            or the answer has neither letter nor digit; the choices are not four different ones with the answer at index `gold`.
    """
    location = question.location
    _check_lengths(question)
    if question.lang not in extra_languages:
        check_language(question)
    if not question.id.strip() or not question.id.isprintable():
        raise BadRowError(
            location, Reason.ID, f"id {shown(question.id)} is empty or has characters that can't be seen: give a plain one"
        )
    for field, text in (("question", question.question), ("answer", question.answer)):
        if not any(unicodedata.category(character)[0] in "LN" for character in text):
            problem = f"{field} {shown(text)} has no letter and no digit: give one, or leave the line out"
            raise BadRowError(location, Reason.NO_LETTER, problem)
    if question.choices:
        _check_choices(question, gold)


def check_language(question: Question) -> None:
    """Check that the prompt can be written in the question's language.

    Raises:
        BadRowError: The code is malformed, or the language has no prompt words.
    """
    lang = question.lang
    if lang in language_codes():
        return
    near = near_languages(lang) if len(lang) <= LONGEST_CODE else ()
    if near or is_language_tag(lang):
        codes = f"did you mean {' or '.join(near)}?" if near else f"give one of {' '.join(language_codes())}"
        raise BadRowError(
            question.location,
            Reason.LANGUAGE,
            f"language {shown(lang)} has no prompt words: {codes}{' Otherwise give' if near else ', or'} --words"
            f" lang={lang},question=...,answer=...",
        )
    try:
        prompt_words(lang)
    except UserError as error:
        raise BadRowError(question.location, Reason.LANGUAGE, str(error)) from error


def _check_lengths(question: Question) -> None:
    names = ("id", "lang", "context", "question", "answer", "answer_type", "topic", "source", "license")
    fields = [(name, getattr(question, name)) for name in names]
    fields += [("alias", alias) for alias in question.aliases] + [("choice", choice) for choice in question.choices]
    for field, text in fields:
        if len(text) > MAX_CHARACTERS[field]:
            advice = _ADVICE.get(field, "a shorter one")
            raise BadRowError(
                question.location,
                Reason.TOO_LONG,
                f"{field} of {len(text):,} characters is longer than {MAX_CHARACTERS[field]:,}: give {advice}",
            )


def _check_choices(question: Question, gold: object) -> None:
    location, choices = question.location, question.choices

    def mistake(problem: str) -> BadRowError:
        return BadRowError(location, Reason.CHOICES, problem)

    if len(choices) != 4:
        raise mistake(f"{len(choices)} choices: give four, or none to have them made (--map choices=)")
    if isinstance(gold, bool) or not isinstance(gold, int) or gold not in range(4):
        raise mistake(f"gold {shown(gold)} is not 0, 1, 2 or 3: give the index of the answer in choices")
    if choices[gold] != question.answer:
        raise mistake(f"choices[{gold}] is {shown(choices[gold])}, the answer {shown(question.answer)}: make them the same")
    alias_of = {compact(alias, question.lang): alias for alias in question.aliases}
    seen: dict[str, str] = {}
    for index, choice in enumerate(choices):
        key = compact(choice, question.lang)
        if not key:
            raise mistake(f"choice {shown(choice)} has no letter and no digit: give one that has")
        if key in seen:
            raise mistake(
                f"choices {shown(seen[key])} and {shown(choice)} are the same to the matcher: give four different ones"
            )
        if index != gold and key in alias_of:
            raise mistake(f"wrong choice {shown(choice)} is the alias {shown(alias_of[key])}: take one of the two out")
        seen[key] = choice


def check_consistency(questions: Iterable[Question]) -> None:
    """Check the questions of a source against each other.

    Raises:
        BadRowError: An id occurs twice in one language, or its languages differ in answer type, or only some of them have choices.
    """
    once, errors = without_repeats(questions)
    for error in (*errors, *inconsistencies(once).values()):
        raise error


def without_repeats(questions: Iterable[Question]) -> tuple[list[Question], list[BadRowError]]:
    """Return the first question of each id and language, and an error for each further one."""
    first: dict[tuple[str, str], Question] = {}
    errors = []
    for question in questions:
        earlier = first.setdefault((question.id, question.lang), question)
        if earlier is not question:
            problem = (
                f"id {shown(question.id)} is in {question.lang} twice, first at {earlier.location}: give every question its own"
                " id, or --map id= to have ids made"
            )
            errors.append(BadRowError(question.location, Reason.TWICE, problem))
    return list(first.values()), errors


def inconsistencies(questions: Iterable[Question]) -> dict[str, BadRowError]:
    """Return id -> the first mistake, for each id whose languages differ in answer type, or of which only some languages have choices."""
    first: dict[str, Question] = {}
    found: dict[str, BadRowError] = {}
    for question in questions:
        error = _translation_error(question, first.setdefault(question.id, question))
        if error is not None:
            found.setdefault(question.id, error)
    return found


def _translation_error(question: Question, first: Question) -> BadRowError | None:
    """Compare a question with the first one of the same id."""
    begin = f"id {shown(question.id)} has"
    if first.answer_type != question.answer_type:
        return BadRowError(
            question.location,
            Reason.TYPES,
            f"{begin} answer_type {shown(question.answer_type)}, but {shown(first.answer_type)} at"
            f" {first.location}: one id is one question in all languages, give one type",
        )
    if bool(first.choices) != bool(question.choices):
        here, there = ("no choices", "some") if first.choices else ("choices", "none")
        return BadRowError(
            question.location,
            Reason.SOME_CHOICES,
            f"{begin} {here} in {question.lang}, but {there} in {first.lang} at {first.location}: give all or none",
        )
    return None
