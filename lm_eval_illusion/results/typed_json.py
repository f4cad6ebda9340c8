"""Parsed JSON as typed records. A value of another type or without meaning is an error that names file, field and value."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.escaping import cut
from lm_eval_illusion.results.messages import shown

VISIBLE = r"\S"
"""The pattern of a text that is not blank."""

_EXPECTED = re.compile(r"Expected `(?P<types>[^`]*)`(?P<bound>.*?)(?:, got `[^`]*`)?(?: - at `(?P<path>.*)`)?", re.DOTALL)
_OTHER = re.compile(r"(?P<problem>.*?)(?: - at `(?P<path>.*)`)?", re.DOTALL)
_STEP = re.compile(r"\.?(?P<field>[^.\[\]]+)|\[(?P<index>\d+|\.\.\.)\]")
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}


def convert(content: Any, kind: Any, file: Path | str, place: str, remedy: str) -> Any:
    """Return parsed JSON as a value of the type `kind`, such as a record.

    `place`: where the content stands in the file, such as `config`; "" for the whole file. `remedy`: the end of the message.

    Raises:
        UserError: A value is missing, has another type, or is outside its range: "FILE: config.model is 3, not text or null: REMEDY".
    """
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise UserError(f"{file}: {_described(str(error), content, place)}: {remedy}") from error
    except UnicodeEncodeError as error:
        # msgspec can't compare such text with the names of fields.
        raise UserError(
            f"{file}: {place or 'the file'} has half a character (an unpaired surrogate) in a name or text: {remedy}"
        ) from error


def _described(error: str, content: Any, place: str) -> str:
    """Return what is wrong, from msgspec's message: "Expected `int | null`, got `str` - at `$.calibration.samples`"."""
    found = _EXPECTED.fullmatch(error) or _OTHER.fullmatch(error)
    path = (found["path"] if found else None) or "$"
    steps = [(step["field"], step["index"]) for step in _STEP.finditer(path.removeprefix("$"))]
    field = place + "".join(f".{name}" if name else f"[{index}]" for name, index in steps)
    field = cut(field.lstrip(".") or "the file", 200)
    if found is None or found.re is _OTHER:
        lacking = re.match(r"Object missing required field `([^`]*)`", error)
        return f"{field} lacks {lacking[1]}" if lacking else f"{field}: {error}"
    return f"{field} is {_value_at(steps, content)}, not {_expected(found['types'], found['bound'])}"


def _value_at(steps: list[tuple[str | None, str | None]], content: Any) -> str:
    for field, index in steps:
        if isinstance(content, dict) and field in content:
            content = content[field]
        elif isinstance(content, list) and index is not None and index.isdecimal() and int(index) < len(content):
            content = content[int(index)]
        else:
            # In an object with any keys, msgspec does not tell which one.
            return "of another kind"
    return shown(content)


def _expected(types: str, bound: str) -> str:
    if not bound:
        names = [name for name in types.split(" | ") if name != "int" or "float" not in types]
        return " or ".join(_WORDS.get(name, name) for name in names)
    if "multiple" in bound:
        return "a whole number"
    if "regex" in bound:
        return "text with a visible character" if bound.endswith(repr(VISIBLE)) else "a plain name"
    return f"a number{bound.removesuffix('.0')}"
