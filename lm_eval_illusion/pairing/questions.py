"""What a question must be to be taken in, by itself and together with the others; each mistake in one line with its place.

The questions that come in: a JSONL file of DESIGN's item fields, read, checked and cleaned line by line.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.jsonl import read_rows
from lm_eval_illusion.languages import words_of
from lm_eval_illusion.matching.normalize import compact

REQUIRED = ("id", "lang", "question", "answer")
# Nothing that a reader sees; joiners stay, because Persian, Hindi and Telugu spell with them.
INVISIBLE = frozenset("\u200b\u2060\ufeff\u00ad\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Question:
    """A question in one language with its right answer, and its four options if the source has them.

    `topic`: what it is about (an article's name), "" if unknown. `place`: where it was read, "file:line".
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
    place: str = ""


@dataclass(frozen=True)
class Source:
    """The questions of a file and what was changed in reading them, one line each."""

    questions: list[Question]
    notices: list[str]


def read_source(path: Path) -> Source:
    """Read and check a JSONL file of questions.

    Raises:
        UserError: names the file and line: not UTF-8, not JSON, a field missing, of a wrong type or too long, no answer, five options,
            two options that are the same, gold out of range; an id twice in a language, with different answer types, or with options
            in some languages only.
    """
    notices: list[str] = []
    questions = [read_question(row, place, notices) for place, row in read_rows(path)]
    if not questions:
        raise UserError(f"{path} is empty: give a JSONL file of questions, one a line")
    check_together(questions)
    return Source(questions, notices)


def read_question(row: Mapping[str, Any], place: str, notices: list[str]) -> Question:
    """Check one row and take it in; what is changed is added to `notices`.

    Raises:
        UserError: as `read_source`.
    """
    missing = [field for field in REQUIRED if field not in row]
    if missing:
        raise UserError(f"{place}: question lacks {', '.join(missing)}: give {', '.join(REQUIRED)}")
    question = Question(
        id=_id(row, place),
        lang=_text(row, "lang", place),
        question=_cleaned(_text(row, "question", place), "question", place, notices),
        context=_cleaned(_text(row, "context", place), "context", place, notices, keep_lines=True),
        answer=_cleaned(_text(row, "answer", place), "answer", place, notices),
        aliases=tuple(text for alias in _texts(row, "aliases", place) if (text := _cleaned(alias, "alias", place, notices))),
        answer_type=_text(row, "answer_type", place),
        topic=_topic(row, place),
        choices=tuple(_cleaned(choice, "choice", place, notices) for choice in _texts(row, "choices", place)),
        source=_text(row, "source", place),
        license=_text(row, "license", place),
        place=place,
    )
    check_question(question, row)
    return question


def _id(row: Mapping[str, Any], place: str) -> str:
    """A text; a whole number counts as one."""
    number = row["id"]
    return str(number) if isinstance(number, int) and not isinstance(number, bool) else _text(row, "id", place)


def _text(row: Mapping[str, Any], field: str, place: str) -> str:
    """The text of a field, "" where an optional one is missing or null."""
    text = row.get(field)
    if text is None and field not in REQUIRED:
        return ""
    if not isinstance(text, str):
        raise UserError(f"{place}: {field} {_shown(text)} is not a text: put it in quotes")
    return text


def _shown(value: object) -> str:
    """As JSON has it, so that a user finds it in the file; the beginning of what is long."""
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= 100 else f"{shown[:100]}..."


def _texts(row: Mapping[str, Any], field: str, place: str) -> list[str]:
    texts = row.get(field)
    if texts is None:
        return []
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise UserError(f"{place}: {field} {_shown(texts)} is not a list of texts: give [] or texts in quotes")
    return texts


def _topic(row: Mapping[str, Any], place: str) -> str:
    """A name or a number, under one of the names that data sets give it."""
    meta = row.get("meta")
    within = meta if isinstance(meta, dict) else {}
    named = (row.get("topic"), within.get("article"), within.get("title"), row.get("title"))
    topic = next((name for name in named if name not in (None, "")), "")
    if not isinstance(topic, str | int):
        raise UserError(f"{place}: topic {_shown(topic)} is not a text: put it in quotes")
    return str(topic)


def _cleaned(text: str, field: str, place: str, notices: list[str], keep_lines: bool = False) -> str:
    """Without invisible characters and control codes; an answer with a line break could never match a first line."""
    removed = sorted({character for character in text if character in INVISIBLE or _is_control(character)})
    if removed:
        names = ", ".join(f"U+{ord(character):04X}" for character in removed)
        notices.append(f"{place}: took {names} (invisible) out of the {field}")
    visible = "".join(character for character in text if character not in removed)
    return visible.strip() if keep_lines else " ".join(visible.split())


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc" and character not in "\t\n\r"


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
