"""The reader of a user's JSONL file of questions: each line is parsed, cleaned of invisible characters and checked.

The fields are those of an item (DESIGN, "Item fields"). `id`, `lang`, `question` and `answer` are required.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.jsonl import read_jsonl
from lm_eval_illusion.languages import PromptWords
from lm_eval_illusion.pairing.own_words import FIELD, StatedWords, own_words
from lm_eval_illusion.pairing.questions import Question, check_consistency, check_question

REQUIRED_FIELDS = ("id", "lang", "question", "answer")
# Characters without a glyph. The joiners U+200C and U+200D are not among them: Persian, Hindi and Telugu spell with them.
INVISIBLE = frozenset("\u200b\u2060\ufeff\u00ad\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

Row = Mapping[str, object]
"""The JSON object of one question, not checked yet."""


@dataclass(frozen=True)
class QuestionFile:
    """The questions of a file.

    `notices`: one line for each field that was changed by cleaning. `words`: language -> its prompt words, if the user gives some.
    """

    questions: list[Question]
    notices: list[str]
    words: Mapping[str, PromptWords] = field(default_factory=dict)


def read_questions(path: Path, words: Sequence[str] = ()) -> QuestionFile:
    """Read, clean and check a JSONL file of questions. `words`: the values of `--words`.

    Raises:
        UserError: The file can't be read or is empty, or a line is wrong: see `read_jsonl`, `parse_question`, `check_consistency`,
            `own_words`.
    """
    rows = list(read_jsonl(path, "question"))
    given = _given_words(words, rows)
    parsed = [parse_question(row, location, given.keys()) for location, row in rows]
    if not parsed:
        raise UserError(f"{path} is empty: give a JSONL file of questions, one per line")
    questions = [question for question, _ in parsed]
    check_consistency(questions)
    return QuestionFile(questions, [notice for _, notices in parsed for notice in notices], given)


def _given_words(options: Sequence[str], rows: Sequence[tuple[str, Row]]) -> dict[str, PromptWords]:
    """Return language -> the prompt words that the options and the rows give for it."""
    stated = [(row["lang"], row.get(FIELD), location) for location, row in rows if isinstance(row.get("lang"), str)]
    in_rows = [StatedWords(str(lang), value, location) for lang, value, location in stated if value is not None]
    return own_words(options, in_rows, {str(lang) for lang, _, _ in stated}) if options or in_rows else {}


def parse_question(row: Row, location: str, extra_languages: Collection[str] = ()) -> tuple[Question, list[str]]:
    """Return the question of one row and a notice for each field that was changed by cleaning.

    `extra_languages`: languages whose prompt words come from elsewhere than a language file.

    Raises:
        UserError: A required field is missing, a field is of a wrong type, or `check_question` finds a mistake; with the location.
    """
    missing = [field for field in REQUIRED_FIELDS if field not in row]
    if missing:
        raise UserError(f"{location}: question lacks {', '.join(missing)}: give {', '.join(REQUIRED_FIELDS)}")
    notices: list[str] = []

    def clean(text: str, field: str) -> str:
        cleaned, removed = _without_invisible(text)
        if removed:
            notices.append(f"{location}: took {removed} (invisible) out of the {field}")
        # A line break in an answer could never match the first line of an output; a passage keeps its lines.
        return cleaned.strip() if field == "context" else " ".join(cleaned.split())

    # Fields are read one after the other: this is the order of the notices and decides which mistake is reported first.
    question_id = _id_field(row, location)
    question = Question(
        id=question_id,
        lang=_text_field(row, "lang", location),
        question=clean(_text_field(row, "question", location), "question"),
        context=clean(_text_field(row, "context", location), "context"),
        answer=clean(_text_field(row, "answer", location), "answer"),
        aliases=tuple(filter(None, [clean(alias, "alias") for alias in _list_field(row, "aliases", location)])),
        answer_type=_text_field(row, "answer_type", location),
        topic=_topic(row, location),
        choices=tuple([clean(choice, "choice") for choice in _list_field(row, "choices", location)]),
        source=_text_field(row, "source", location),
        license=_text_field(row, "license", location),
        location=location,
    )
    check_question(question, row, extra_languages)
    return question, notices


def _without_invisible(text: str) -> tuple[str, str]:
    """Return the text without invisible characters and control codes, and the names of these ("U+200B, U+FEFF")."""
    removed = sorted({character for character in text if character in INVISIBLE or _is_control(character)})
    cleaned = "".join(character for character in text if character not in removed)
    return cleaned, ", ".join(f"U+{ord(character):04X}" for character in removed)


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc" and character not in "\t\n\r"


def _id_field(row: Row, location: str) -> str:
    """Return the id; an integer is taken as its digits."""
    value = row["id"]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _text_field(row, "id", location)


def _text_field(row: Row, field: str, location: str) -> str:
    """Return the text of a field, "" where an optional one is missing or null."""
    value = row.get(field)
    if value is None and field not in REQUIRED_FIELDS:
        return ""
    if not isinstance(value, str):
        raise UserError(f"{location}: {field} {_as_json(value)} is not a text: put it in quotes")
    return value


def _list_field(row: Row, field: str, location: str) -> list[str]:
    """Return the texts of a field, none where it is missing or null."""
    value = row.get(field)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise UserError(f"{location}: {field} {_as_json(value)} is not a list of texts: give [] or texts in quotes")
    return value


def _topic(row: Row, location: str) -> str:
    """Return the topic, a text or a number, from one of the fields in which data sets keep it."""
    meta = row.get("meta")
    inner: Row = meta if isinstance(meta, dict) else {}
    candidates = (row.get("topic"), inner.get("article"), inner.get("title"), row.get("title"))
    topic = next((value for value in candidates if value not in (None, "")), "")
    if not isinstance(topic, str | int):
        raise UserError(f"{location}: topic {_as_json(topic)} is not a text: put it in quotes")
    return str(topic)


def _as_json(value: object) -> str:
    """Return the value as JSON, so that a user finds it in the file; only the beginning of a long one."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return f"(a value of type {type(value).__name__} that is nested too deep)"
    return text if len(text) <= 100 else f"{text[:100]}..."
