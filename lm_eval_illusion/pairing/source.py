"""The questions that come in: a JSONL file of DESIGN's item fields, read, checked and cleaned line by line."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.languages import words_of

REQUIRED = ("id", "lang", "question", "answer")
LONGEST_PASSAGE = 100_000
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
        UserError: names the file and line: not UTF-8, not JSON, a field missing or of a wrong type, no answer, five options, gold out of
            range, a passage too long, an id twice in a language, or with different answer types.
    """
    notices: list[str] = []
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror}): give a JSONL file of questions") from error
    # Not splitlines: U+2028 may stand in a JSON string.
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    numbered = ((f"{path}:{number}", line) for number, line in enumerate(lines, 1) if line.strip())
    questions = [read_question(_parsed(line, place), place, notices) for place, line in numbered]
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
    wrong = [field for field in (*REQUIRED, "context", "answer_type") if not isinstance(row.get(field) or "", str)]
    if wrong and not (wrong == ["id"] and isinstance(row["id"], int)):
        raise UserError(f"{place}: {wrong[0]} {row[wrong[0]]!r} is not a text: put it in quotes")
    aliases = _texts(row, "aliases", place)
    choices = _texts(row, "choices", place)
    question = Question(
        id=str(row["id"]),
        lang=row["lang"],
        question=_cleaned(row["question"], "question", place, notices),
        context=_cleaned(row.get("context") or "", "context", place, notices, keep_lines=True),
        answer=_cleaned(row["answer"], "answer", place, notices),
        aliases=tuple(cleaned for alias in aliases if (cleaned := _cleaned(alias, "alias", place, notices))),
        answer_type=row.get("answer_type") or "",
        topic=_topic(row),
        choices=tuple(_cleaned(choice, "choice", place, notices) for choice in choices),
        source=str(row.get("source") or ""),
        license=str(row.get("license") or ""),
        place=place,
    )
    _check(question, row)
    return question


def check_together(questions: Iterable[Question]) -> None:
    """What no line shows alone.

    Raises:
        UserError: an id twice in one language, or with different answer types over the languages.
    """
    seen: dict[tuple[str, str], Question] = {}
    types: dict[str, Question] = {}
    for question in questions:
        twin = seen.setdefault((question.id, question.lang), question)
        if twin is not question:
            raise UserError(
                f"{question.place}: id {question.id!r} is in {question.lang} twice, first at {twin.place}: give every question its own id"
            )
        first = types.setdefault(question.id, question)
        if first.answer_type != question.answer_type:
            raise UserError(
                f"{question.place}: id {question.id!r} has answer_type {question.answer_type!r}, but {first.answer_type!r} at"
                f" {first.place}: one id is one question in all languages, give one type"
            )


def _parsed(line: bytes, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(f"{place}: not UTF-8 (byte {error.start + 1}): save the file as UTF-8") from error
    except json.JSONDecodeError as error:
        raise UserError(f"{place}: not a JSON object ({error}): write one question a line") from error
    if not isinstance(row, dict):
        raise UserError(f"{place}: not a JSON object but {type(row).__name__}: write one question a line")
    return row


def _texts(row: Mapping[str, Any], field: str, place: str) -> list[str]:
    texts = row.get(field) or []
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise UserError(f"{place}: {field} {texts!r} is not a list of texts: give [] or texts in quotes")
    return texts


def _topic(row: Mapping[str, Any]) -> str:
    meta = row.get("meta")
    within = meta if isinstance(meta, dict) else {}
    named = (row.get("topic"), within.get("article"), within.get("title"), row.get("title"))
    return next((str(name) for name in named if name not in (None, "")), "")


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


def _check(question: Question, row: Mapping[str, Any]) -> None:
    place = question.place
    words_of_language(question)
    if not question.id.strip() or question.id != "".join(c for c in question.id if c.isprintable()):
        raise UserError(f"{place}: id {question.id!r} is empty or has characters that can't be seen: give a plain one")
    for field in ("question", "answer"):
        if not any(unicodedata.category(character)[0] in "LN" for character in getattr(question, field)):
            raise UserError(f"{place}: {field} {row[field]!r} has no letter and no digit: give one, or leave the line out")
    if len(question.context) > LONGEST_PASSAGE:
        raise UserError(
            f"{place}: context of {len(question.context):,} characters is longer than {LONGEST_PASSAGE:,}:"
            " give the passage that the question is about, not the whole text"
        )
    if question.choices:
        _check_choices(question, row)


def words_of_language(question: Question) -> None:
    """The language must have words for the prompt.

    Raises:
        UserError: with the place.
    """
    try:
        words_of(question.lang)
    except UserError as error:
        raise UserError(f"{question.place}: {error}") from error


def _check_choices(question: Question, row: Mapping[str, Any]) -> None:
    place, choices, gold = question.place, question.choices, row.get("gold")
    if len(choices) != 4:
        raise UserError(f"{place}: {len(choices)} choices: give four, or none to have them made")
    if isinstance(gold, bool) or not isinstance(gold, int) or gold not in range(4):
        raise UserError(f"{place}: gold {gold!r} is not 0, 1, 2 or 3: give the place of the answer in choices")
    if choices[gold] != question.answer:
        raise UserError(f"{place}: choices[{gold}] is {choices[gold]!r}, the answer {question.answer!r}: make them the same")
    if len(set(choices)) < 4 or not all(choices):
        raise UserError(f"{place}: choices {list(choices)} are empty or the same: give four different ones")
