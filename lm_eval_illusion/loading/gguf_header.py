"""The header of a GGUF file, read without its tensors: metadata, and name, shape, type and place of each tensor.

The format is that of ggml's docs/gguf.md: "GGUF", version, numbers of tensors and of metadata; then the metadata, then the tensors, all
little-endian. Anybody may have written the file, so every number is compared with the size of the file before it is used.
"""

from __future__ import annotations

import math
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.reading import open_file

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MOST_TENSORS = 100_000
MOST_ENTRIES = 10_000
"""Metadata. Files have some dozens."""
MOST_ELEMENTS = 5_000_000
"""Of an array. The largest vocabularies have 300,000 tokens, and about as many merges."""
MOST_STRING_BYTES = 16 << 20
MOST_DIMENSIONS = 4
REMEDY = "give a complete GGUF file, as llama.cpp's tools write it"

_STRING, _ARRAY = 8, 9
# Type of a value -> its format for struct.
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


class TensorEntry(NamedTuple):
    """A tensor of the file. `shape`: as the file states it, the length of a row first. `kind`: ggml's type. `size`: its bytes."""

    name: str
    shape: tuple[int, ...]
    kind: str
    size: int

    @property
    def elements(self) -> int:
        """The number of its elements."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class GgufHeader:
    """The metadata by key (numbers, texts, truth values and lists of them) and the tensors of a file."""

    metadata: dict[str, Any]
    tensors: tuple[TensorEntry, ...]


def read_header(path: Path) -> GgufHeader:
    """Read the header of a GGUF file, and check that the file holds all its tensors.

    Raises:
        UserError: It is no GGUF file, of another version or byte order, damaged, or cut off.
    """
    with open_file(path, REMEDY) as file:
        reader = _Reader(path, file, os.fstat(file.fileno()).st_size)
        if reader.take(4) != MAGIC:
            raise UserError(f"{path} is no GGUF file (it does not begin with GGUF): {REMEDY}")
        version = reader.number("I")
        if version not in VERSIONS:
            swapped = int.from_bytes(int(version).to_bytes(4, "little"), "big")
            problem = "big-endian" if swapped in VERSIONS else f"of version {version}"
            raise UserError(f"{path} is a GGUF file that is {problem}: give a little-endian one of version 2 or 3")
        tensors = reader.limited(reader.number("Q"), MOST_TENSORS, "tensors")
        entries = reader.limited(reader.number("Q"), MOST_ENTRIES, "metadata entries")
        metadata: dict[str, Any] = {}
        for _ in range(entries):
            key = reader.string()
            metadata[key] = reader.value(reader.number("I"))
        infos = [reader.tensor() for _ in range(tensors)]
        return GgufHeader(metadata, _checked(infos, metadata, reader))


class _Reader:
    """Reads values one after the other."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self.path, self.file, self.size = path, file, size
        self.place = 0

    def fault(self, problem: str) -> UserError:
        return UserError(f"{self.path} is a damaged GGUF file ({problem}): {REMEDY}")

    def limited(self, number: int, most: int, what: str) -> int:
        if number > most:
            raise self.fault(f"it states {number:,} {what}, at most {most:,} are possible")
        return number

    def take(self, count: int) -> bytes:
        content = self.file.read(count) if count <= self.size - self.place else b""
        if len(content) != count:
            raise self.fault("it ends in its header")
        self.place += count
        return content

    def number(self, form: str) -> Any:
        return struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))[0]

    def string(self) -> str:
        content = self.take(self.limited(self.number("Q"), MOST_STRING_BYTES, "bytes of a text"))
        # The library that reads the file next decodes strictly.
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.fault(f"a text is not UTF-8, byte {self.place}") from error

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return self._array()
        if kind not in _NUMBERS:
            raise self.fault(f"a value has the unknown type {kind}")
        return self.number(_NUMBERS[kind])

    def _array(self) -> list[Any]:
        kind, count = self.number("I"), self.limited(self.number("Q"), MOST_ELEMENTS, "elements of an array")
        if kind == _STRING:
            return [self.string() for _ in range(count)]
        if kind not in _NUMBERS:
            raise self.fault(f"an array has elements of type {kind}")
        form = f"<{count}{_NUMBERS[kind]}"
        return list(struct.unpack(form, self.take(struct.calcsize(form))))

    def tensor(self) -> tuple[str, tuple[int, ...], int, int]:
        name = self.string()
        dimensions = self.limited(self.number("I"), MOST_DIMENSIONS, "dimensions of a tensor")
        shape = tuple(self.number("Q") for _ in range(dimensions))
        return name, shape, self.number("I"), self.number("Q")


def _checked(
    infos: list[tuple[str, tuple[int, ...], int, int]], metadata: dict[str, Any], reader: _Reader
) -> tuple[TensorEntry, ...]:
    """Return the tensors, each of which lies within the file.

    Raises:
        UserError: One does not, or has an unknown type or an impossible shape.
    """
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    alignment = metadata.get("general.alignment", 32)
    if type(alignment) is not int or not 0 < alignment <= 1 << 20 or alignment % 8:
        raise reader.fault(f"general.alignment {str(alignment)[:40]} is no alignment")
    begin = -(-reader.place // alignment) * alignment
    kinds = {kind.value: kind for kind in GGMLQuantizationType}
    tensors, names = [], set()
    for name, shape, number, offset in infos:
        shown = repr(name[:100])
        if name in names:
            raise reader.fault(f"it has two tensors {shown}")
        names.add(name)
        if number not in kinds:
            raise reader.fault(f"tensor {shown} has the unknown type {number}: a newer package gguf may know it")
        block, size = GGML_QUANT_SIZES[kinds[number]]
        if not shape or 0 in shape or shape[0] % block:
            raise reader.fault(f"tensor {shown} of type {kinds[number].name} has the impossible shape {list(shape)}")
        tensor = TensorEntry(name, shape, kinds[number].name, math.prod(shape) // block * size)
        if begin + offset + tensor.size > reader.size:
            raise reader.fault(f"tensor {shown} ends after the end of the file, which is cut off or not completely downloaded")
        tensors.append(tensor)
    return tuple(tensors)
