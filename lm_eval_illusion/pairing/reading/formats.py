"""A file of questions -> its rows. The format is told by the content, because names lie: data.json is often JSONL."""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from codecs import BOM_UTF8
from itertools import islice
from pathlib import Path

from lm_eval_illusion.errors import UserError, cause_of
from lm_eval_illusion.jsonl import parse_lines
from lm_eval_illusion.pairing.reading.json_documents import document_rows, is_one_row
from lm_eval_illusion.pairing.reading.rows import BadRowError, Rows, SourceRow
from lm_eval_illusion.pairing.reading.tables import delimiter_of, table_rows
from lm_eval_illusion.reading import CHUNK_BYTES, MOST_BYTES, read_file

FORMATS = "JSONL, a JSON array, CSV or TSV with a header, SQuAD, or Parquet"
REMEDY = f"give a file of questions: {FORMATS}"
NOT_A_ROW = "a line is not a JSON object"
FEW_LINES = 20
"""Lines after the first by which JSON lines are told from a document."""
_DOCUMENT, _LINES = "document", "lines"
_VISIBLE, _VISIBLE_LINE = re.compile(r"\S"), re.compile(r"\S[^\n]*")
_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}
_GZIP, _PARQUET, _ZIP = b"\x1f\x8b", b"PAR1", b"PK\x03\x04"


def file_rows(path: Path) -> Rows:
    """Yield the rows of a file; an error stands in the place of each row that can't be read.

    Raises:
        UserError: The file can't be read, is empty, is in no format that is known, or is broken as a whole. Raised at the first row.
    """
    content = read_file(path, REMEDY)
    if content.startswith(_GZIP):
        content = _unpacked(content, path)
    if content.startswith(_PARQUET):
        yield from _parquet_rows(content, path)
        return
    text = _text(content, path)
    form = _form(text, path)
    # A large file is held once, as bytes or as text.
    if form == _LINES:
        del text
        yield from _jsonl_rows(content.removeprefix(BOM_UTF8), path)
    else:
        del content
        yield from document_rows(text, str(path)) if form == _DOCUMENT else table_rows(text, str(path), form)


def _form(text: str, path: Path) -> str:
    """Return the form of a text: a JSON document, JSON lines, or the delimiter of a table."""
    start = _VISIBLE.search(text)
    if start is None:
        raise UserError(f"{path} is empty: {REMEDY}")
    mark = start[0]
    first, rest = _first_lines(text, start.start())
    header = first.split("\r")[0]
    suffix = path.suffix.lower()
    if (mark == "[" and not _is_array_per_line(first, rest)) or (mark == "{" and _is_document(first, rest, path)):
        return _DOCUMENT
    if mark in "{[" or (suffix in (".jsonl", ".ndjson") and delimiter_of(header, 2) is None):
        return _LINES
    delimiter = delimiter_of(header) or ("," if suffix in (".csv", ".tsv") else "")
    if not delimiter:
        raise UserError(f"{path} is in no format that is known (it begins with {first[:40]!r}): {REMEDY}")
    return delimiter


def _first_lines(text: str, start: int) -> tuple[str, list[str]]:
    """Return the line that begins at a position, and the first lines behind it that are not blank."""
    end = text.find("\n", start)
    if end < 0:
        return text[start:], []
    return text[start:end], [found[0] for found in islice(_VISIBLE_LINE.finditer(text, end), FEW_LINES)]


def _jsonl_rows(content: bytes, path: Path) -> Rows:
    for location, row in parse_lines(content, str(path), "question"):
        if isinstance(row, UserError):
            yield BadRowError(location, NOT_A_ROW, str(row).removeprefix(f"{location}: "))
        else:
            yield SourceRow(location, f"line-{location.rpartition(':')[2]}", row)


def _is_array_per_line(first: str, rest: list[str]) -> bool:
    """Whether a file that begins with "[" is JSONL of arrays, which are no questions."""
    return first.rstrip().endswith("]") and bool(rest) and rest[0][0] in "[{" and _is_json(first)


def _is_document(first: str, rest: list[str], path: Path) -> bool:
    """Whether a file that begins with "{" is one JSON document rather than JSON lines."""
    if not rest:
        try:
            value = json.loads(first)
        except (ValueError, RecursionError):
            return path.suffix.lower() == ".json"
        return not is_one_row(value)
    if _is_json(first):
        return False
    if first.rstrip().endswith(",") and _is_json(first.rstrip()[:-1]):
        return True  # the entries of a list, without its brackets
    # The first line of a JSONL file may be broken; then other lines are objects by themselves.
    return not any(line.startswith("{") and _is_json(line) for line in rest)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _text(content: bytes, path: Path) -> str:
    """Return the text of a file in UTF-8, with or without a byte order mark."""
    if content.startswith(_ZIP):
        raise UserError(f"{path} is a zip archive or a spreadsheet: unpack it, or save the sheet as CSV in UTF-8")
    encoding = next((name for mark, name in _ENCODINGS.items() if content.startswith(mark)), "")
    if not encoding and b"\0" in content[:1_000]:
        encoding = "UTF-16" if content[:1_000].count(b"\0") > 200 or len(content) < 500 else ""
        if not encoding:
            raise UserError(f"{path} is not text: {REMEDY}")
    if encoding:
        raise UserError(f"{path} is {encoding}: save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise UserError(
            f"{path}:{line}: not UTF-8 (byte {column}, perhaps Latin-1 or Windows-1252): save the file as UTF-8"
        ) from error


def _unpacked(content: bytes, path: Path) -> bytes:
    unpacked = io.BytesIO()
    try:
        with gzip.open(io.BytesIO(content)) as file:
            while unpacked.tell() <= MOST_BYTES and (chunk := file.read(CHUNK_BYTES)):
                unpacked.write(chunk)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} can't be unpacked ({cause_of(error)}): {REMEDY}") from error
    if unpacked.tell() > MOST_BYTES:
        raise UserError(f"{path} has more than {MOST_BYTES:,} bytes when unpacked: {REMEDY}")
    return unpacked.getvalue()


def _parquet_rows(content: bytes, path: Path) -> Rows:
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(io.BytesIO(content))
        size = sum(file.metadata.row_group(number).total_byte_size for number in range(file.metadata.num_row_groups))
        if size > MOST_BYTES:
            raise UserError(f"{path} has more than {MOST_BYTES:,} bytes when unpacked: {REMEDY}")
        rows = file.read().to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} is a broken Parquet file ({cause_of(error, 200)}): {REMEDY}") from error
    for number, row in enumerate(rows):
        yield SourceRow(f"{path}[{number}]", f"row-{number + 1}", row)
