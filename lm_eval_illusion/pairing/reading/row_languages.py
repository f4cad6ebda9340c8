"""A field in one language, or in several: {"en": ..., "de": ...}, [{"language": "en", "string": ...}]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lm_eval_illusion.pairing.reading.fields import contents, plain_name
from lm_eval_illusion.pairing.reading.language_codes import is_language_tag
from lm_eval_illusion.pairing.reading.rows import Row

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
