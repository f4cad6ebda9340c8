"""A row that has an object for each language: {"en": {"question": ..., "answer": ...}, ...}, or its translations under one name."""

from __future__ import annotations

from collections.abc import Mapping

from lm_eval_illusion.pairing.reading.fields import SYNONYMS, contents, plain_name
from lm_eval_illusion.pairing.reading.language_codes import is_known_language, is_language_tag, resolved_code
from lm_eval_illusion.pairing.reading.rows import Row

TRANSLATIONS = frozenset(["translations", "translation", "localizations", "languages"])
_FIELDS = ("question", "answer", "aliases", "context", "choices", "gold")
_NAMES = {plain_name(name): field for field in _FIELDS for name in SYNONYMS[field] if name != "label"}
_LANGUAGE = tuple(map(plain_name, SYNONYMS["lang"]))


def unnested(row: Row, lang: str, used: set[str]) -> Row:
    """Return a row with the fields of its languages side by side: {"question": {"en": ..., "de": ...}, "answer": {...}}.

    A row without such objects stays as it is, and so does one whose own question is in a language that nothing states.

    Args:
        row: The row.
        lang: The language of rows that state none, "" if it is not given.
        used: Gets the names of the columns in which the languages stand.
    """
    versions: dict[str, Mapping[str, object]] = {}
    columns = []
    for name, value in row.items():
        found = _by_language(value) if plain_name(name) in TRANSLATIONS else _one_language(name, value)
        if found:
            versions |= found
            columns.append(name)
    if not versions:
        return row
    own = _fields_of(row)
    if isinstance(own.get("question"), str):
        column = next((name for name in row if plain_name(name) in _LANGUAGE and row[name]), None)
        stated = lang if column is None else row[column]
        if not isinstance(stated, str) or not stated:
            return row
        columns += [] if column is None else [column]
        versions = {stated: own, **versions}
    elif "question" in own:
        return row
    used.update(columns)
    divided: dict[str, dict[str, object]] = {}
    for language, fields in versions.items():
        tag = language if is_language_tag(language) else resolved_code(language)
        for field, value in fields.items():
            divided.setdefault(field, {})[tag] = value
    # An answer that stands once is that of all languages: Mintaka has the names of its entities in all of them.
    common = {field for field, values in divided.items() if len(values) == 1 and field in own and len(versions) > 1}
    names = {name for name in row if _NAMES.get(plain_name(name)) in divided.keys() - common}
    rest = {name: value for name, value in row.items() if name not in names and name not in columns}
    return {**rest, **{field: values for field, values in divided.items() if field not in common}}


def _one_language(name: str, value: object) -> dict[str, Mapping[str, object]]:
    """Return what a column holds if its name is a language, and its value has a question."""
    if not isinstance(value, Mapping) or not is_known_language(name):
        return {}
    fields = _fields_of(value)
    return {name: fields} if "question" in fields else {}


def _by_language(value: object) -> dict[str, Mapping[str, object]]:
    """Return language -> its fields of {"de": {"question": ...}}, {"de": "Wer?"} and [{"lang": "de", "question": ...}]."""
    if isinstance(value, Mapping):
        texts = {name: {"question": text} for name, text in value.items() if isinstance(text, str) and is_language_tag(name)}
        return {**texts, **{key: found for name, entry in value.items() for key, found in _one_language(name, entry).items()}}
    found: dict[str, Mapping[str, object]] = {}
    for entry in value if isinstance(value, list) else []:
        inner = contents(entry) if isinstance(entry, Mapping) else {}
        language = next((inner[name] for name in _LANGUAGE if name in inner), None)
        fields = _fields_of(inner)
        if isinstance(language, str) and "question" in fields:
            found.setdefault(language, fields)
    return found


def _fields_of(row: Mapping[str, object]) -> dict[str, object]:
    """Return the fields of an object that differ from language to language, by their names; what is null is none."""
    found: dict[str, object] = {}
    for name, value in row.items():
        field = _NAMES.get(plain_name(name))
        if field is not None and value is not None:
            found.setdefault(field, value)
    return found
