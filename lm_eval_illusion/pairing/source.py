"""The questions that come in: a JSONL file of DESIGN's item fields, read, checked and cleaned line by line."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pairing.json_lines import read_rows
from lm_eval_illusion.pairing.question_checks import check_question, check_together

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
