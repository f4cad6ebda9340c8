"""The names that servers give to tokens: their text, the tokenizer's own writing of it, their number, or their bytes.

vLLM writes `token_id:13` by `--return-tokens-as-token-ids`, OpenAI `bytes:\\xe2\\x82` where a token is no whole character, llama.cpp's and
some Python servers the writing of the vocabulary: `Ġhouse`, `▁house`, `<0x0A>`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_NUMBER = re.compile(r"token_id:(\d+)")
_BYTES = re.compile(r"(?:\\x[0-9a-fA-F]{2}|[^\\])+")
_BYTE = re.compile(r"<0x([0-9a-fA-F]{2})>")
_SPACES = str.maketrans({"Ġ": " ", "▁": " ", "Ċ": "\n"})


def text_of(name: str, pieces: Mapping[int, str]) -> str:
    """Return the text of a token that a server names, the writing of the vocabulary where it is no whole character.

    `pieces`: the vocabulary, number -> piece.
    """
    if (number := _NUMBER.fullmatch(name)) and int(number[1]) in pieces:
        name = pieces[int(number[1])]
    elif name.startswith("bytes:") and _BYTES.fullmatch(name, 6):
        coded = re.sub(r"\\x(..)", lambda found: chr(int(found[1], 16)), name[6:])
        name = coded.encode("latin-1", "replace").decode("utf-8", "replace")
    if byte := _BYTE.fullmatch(name):
        name = chr(int(byte[1], 16))
    return name.translate(_SPACES)


def number_of(name: str, vocabulary: Mapping[str, int]) -> int | None:
    """Return the number of a token that a server names by its number or by its piece of the vocabulary; None for another name."""
    if number := _NUMBER.fullmatch(name):
        return int(number[1])
    return vocabulary.get(name)


def visible(text: str) -> str:
    """Return a text without spaces, which servers write or leave out before the first token."""
    return "".join(text.split())
