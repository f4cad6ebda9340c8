"""Columns of a table that hold one language each: question_en and answer_en, en_question, question (de), Question German, questionDe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from lm_eval_illusion.pairing.reading.fields import is_missing, plain_name
from lm_eval_illusion.pairing.reading.language_codes import is_known_language, is_language_tag, resolved_code
from lm_eval_illusion.pairing.reading.rows import Row

_FIELDS = {
    **{name: name for name in ("question", "answer", "aliases", "context", "choices")},
    **{"answers": "answer", "options": "choices", "q": "question", "a": "answer"},
}
_FIELD = "|".join(sorted(_FIELDS, key=len, reverse=True))
# A field and a language, in either order, with a mark between them or the language in brackets.
_PATTERNS = (
    re.compile(rf"(?P<field>{_FIELD})[ ._/:-]+(?P<lang>[^()\[\]]+)", re.IGNORECASE),
    re.compile(rf"(?P<field>{_FIELD})\s*[(\[](?P<lang>[^()\[\]]+)[)\]]", re.IGNORECASE),
    re.compile(rf"(?P<lang>[^()\[\]]+?)[ ._/:-]+(?P<field>{_FIELD})", re.IGNORECASE),
    re.compile(r"(?P<field>question|answer|context|choices)(?P<lang>[A-Z][A-Za-z])"),
)
AMBIGUOUS = frozenset(["am", "as", "be", "he", "hi", "id", "in", "is", "it", "my", "no", "or", "so"])
"""Codes that are English words, too: question_id and question_no are mostly no questions in Indonesian and Norwegian."""


def gathered(row: Row, used: set[str]) -> Row:
    """Return a row with columns such as question_en and answer_de under the names of their fields, divided by languages.

    A row without a column such as question_en, and one with a column question, stays as it is. `used`: gets the names of the columns.
    """
    columns = _columns_of_languages(tuple(row))
    if doubtful := {language for _, language in columns.values() if language.casefold() in AMBIGUOUS}:
        asked = {language for name, (field, language) in columns.items() if field == "question" and _is_question(row[name])}
        columns = {name: place for name, place in columns.items() if place[1] not in doubtful - asked}
    if not any(field == "question" for field, _ in columns.values()):
        return row
    fields: dict[str, dict[str, object]] = {}
    for name, (field, language) in columns.items():
        if not is_missing(row[name]):
            fields.setdefault(field, {})[language] = row[name]
    used.update(columns)
    return {**{name: value for name, value in row.items() if name not in columns}, **fields}


def _is_question(value: object) -> bool:
    """Whether a value is a text of several words, not an id or a number."""
    return isinstance(value, str) and len(value.split()) > 1


@lru_cache(maxsize=1_024)
def _columns_of_languages(names: tuple[str, ...]) -> Mapping[str, tuple[str, str]]:
    """Return column -> field and language, {} if the questions are not in such columns."""
    if any(plain_name(name) == "question" for name in names):
        return {}
    found = {name: place for name in names if (place := _place(name))}
    return found if any(field == "question" for field, _ in found.values()) else {}


def _place(name: str) -> tuple[str, str] | None:
    """Return the field and the language of a column: the code as it is written, or that of a language's name."""
    for pattern in _PATTERNS:
        match = pattern.fullmatch(name.strip())
        if match and is_known_language(written := match["lang"]):
            language = written if is_language_tag(written) else resolved_code(written)
            return _FIELDS[match["field"].casefold()], language
    return None
