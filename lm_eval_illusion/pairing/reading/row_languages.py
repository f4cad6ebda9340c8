"""A row in one language, or in several: {"en": ..., "de": ...}, [{"language": "en", "string": ...}], columns question_en, question_de."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from lm_eval_illusion.languages import language_codes
from lm_eval_illusion.pairing.reading.fields import contents, is_missing, plain_name
from lm_eval_illusion.pairing.reading.language_codes import is_language_tag, resolved_code
from lm_eval_illusion.pairing.reading.rows import Row

_COLUMN = re.compile(r"(question|answer|aliases|context|choices)[ ._-](.+)", re.IGNORECASE)
_TEXT = ("string", "text", "question", "value")


def by_language(question: object) -> dict[str, object]:
    """Return language as written -> question, {} if the value is not divided by languages. The first of several texts counts."""
    if isinstance(question, str):
        return {}
    if isinstance(question, Mapping):
        if question and all(isinstance(key, str) and is_language_tag(key) for key in question):
            return {key: text for key, text in question.items() if text is not None}
        return {}
    if isinstance(question, Sequence):
        return _from_list(question)
    return {}


def _from_list(entries: Sequence[object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for entry in entries:
        inner = contents(entry) if isinstance(entry, Mapping) else {}
        language = inner.get("language", inner.get("lang"))
        text = next((inner[name] for name in _TEXT if name in inner), None)
        if not isinstance(language, str):
            return {}
        if text is not None:
            found.setdefault(language, text)
    return found


def in_language(value: object, languages: Sequence[str]) -> object:
    """Return what a value has in a language, if it is divided by languages; otherwise the value itself.

    `languages`: the language as the row writes it, and its code.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return next((value[lang] for lang in languages if lang in value), value)
    if isinstance(value, list) and value and all(isinstance(entry, Mapping) for entry in value):
        found = _from_list(value)
        return next((found[lang] for lang in languages if lang in found), value)
    return value


def gathered(row: Row, used: set[str]) -> Row:
    """Return a row with columns such as question_en and answer_de under the names of their fields, divided by languages.

    A row without a column such as question_en, and one with a column question, stays as it is. `used`: gets the names of the columns.
    """
    columns = _columns_of_languages(tuple(row))
    if not columns:
        return row
    fields: dict[str, dict[str, object]] = {}
    for name, (field, language) in columns.items():
        if not is_missing(row[name]):
            fields.setdefault(field, {})[language] = row[name]
    used.update(columns)
    return {**{name: value for name, value in row.items() if name not in columns}, **fields}


@lru_cache(maxsize=1_024)
def _columns_of_languages(names: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """Return column -> field and language, {} if the questions are not in such columns."""
    if any(plain_name(name) == "question" for name in names):
        return {}
    found = {
        name: (match[1].casefold(), match[2])
        for name in names
        if (match := _COLUMN.fullmatch(name)) and is_language_tag(match[2]) and resolved_code(match[2]) in language_codes()
    }
    return found if any(field == "question" for field, _ in found.values()) else {}


def flat(row: Row) -> Row:
    """Return a row whose question is an object such as {"stem": ..., "choices": ...} (ARC, CommonsenseQA) without this level."""
    name = next((name for name in row if plain_name(name) == "question"), None)
    question = row[name] if name is not None else None
    if name is None or not isinstance(question, Mapping) or by_language(question):
        return row
    inner = contents(question)
    text = next((inner[key] for key in ("stem", "text", "string") if key in inner), None)
    if text is None:
        return row
    rest = {key: value for key, value in question.items() if plain_name(key) in ("choices", "options") and key not in row}
    return {**row, **rest, name: text}
