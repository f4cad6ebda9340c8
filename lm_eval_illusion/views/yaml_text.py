"""How a text is written into YAML, so that every reader gets the same text back: `no`, `null`, `1e5` and `a: b` need quotes."""

from __future__ import annotations

import re

# What begins with a letter is no number and no date in any version of YAML. A path may begin with "../".
_PLAIN = re.compile(r"(?:\.\./)*[A-Za-z_][A-Za-z0-9_./-]*")
_OTHER_VALUES = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity"})
"""Words that some reader takes for a truth value, a number or nothing, in any letter case. YAML 1.1 has the most of them."""
_SHORT_ESCAPES = {'"': r"\"", "\\": r"\\", "\n": r"\n", "\t": r"\t", "\r": r"\r"}


def yaml_text(text: str) -> str:
    """Return a text as YAML writes it in one line, in block and flow collections: bare where that is safe, else in double quotes.

    The readers of YAML 1.1 (PyYAML) and 1.2 give back the same text. It must be possible to write it in UTF-8.
    """
    if _PLAIN.fullmatch(text) and text.casefold() not in _OTHER_VALUES:
        return text
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    if character.isascii() and character.isprintable():
        return character
    # Not as in JSON, which writes a character beyond U+FFFF as two: PyYAML would read two.
    code = ord(character)
    if code <= 0xFFFF:
        # Letters of any script stay readable. PyYAML takes U+FEFF and line separators for something else.
        return character if character.isalnum() else f"\\u{code:04X}"
    return f"\\U{code:08X}"
