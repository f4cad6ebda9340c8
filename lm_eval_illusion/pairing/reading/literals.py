"""Lists and objects that stand in a text, as JSON or as Python writes them: cells of tables, and columns that were written as text."""

from __future__ import annotations

import ast
import json
import re

LONGEST = 200_000
"""Characters of a text that is read as a list or an object."""
_DIVIDERS = re.compile(r"[|;]")
# A text in a Python literal, and the white space before another one.
_STRING = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")(\s+(?=['"]))?""", re.DOTALL)
# What pandas writes for a list of numpy: array(['a', 'b'], dtype=object).
_ARRAY = re.compile(r"\barray\((\[[^\]]*\])(?:,\s*dtype=[\w<>.']+)?\)")


def structure_in(text: str) -> list[object] | dict[str, object] | None:
    """Return the list or the object that a text is, None if it is neither. Nothing is run: Python's form is read as a literal."""
    text = text.strip()
    if text[:1] + text[-1:] not in ("[]", "{}") or len(text) > LONGEST:
        return None
    for read in (json.loads, _python_literal):
        try:
            value = read(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
        if isinstance(value, (list, dict)):
            return value
    return None


def divided(text: str) -> list[str]:
    """Return the parts of a text that is divided by "|" or ";"."""
    return [part.strip() for part in _DIVIDERS.split(text) if part.strip()]


def _python_literal(text: str) -> object:
    """Return the value of a literal. A numpy array as text has no commas, ['a' 'b'], which Python would read as one text, 'ab'."""
    divided = _STRING.sub(lambda found: f"{found[1]}, " if found[2] else found[1], text)
    return ast.literal_eval(_ARRAY.sub(r"\1", divided))
