"""The reader of samples files: the only module that knows how lm_eval lays out a line.

A line has one to several kilobytes, and the report needs a few dozen bytes of most lines: `read_rows` parses only the declared fields.
The texts of a line are parsed only for the items of the item browser, and whole lines only for tasks of other projects.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from sys import intern
from typing import Any, TypeVar

import msgspec

from lm_eval_illusion.errors import UserError

Parsed = TypeVar("Parsed")


class SampleRow(msgspec.Struct, frozen=True, gc=False):
    """The numbers of one item in one line.

    `metrics`: by name; NaN where lm_eval wrote NaN, None where an optional metric is null or missing. `gold` and `scores`: index of the
    gold choice and log-likelihood of each choice in nats; None if they were not requested. `doc_hash`, `answer_type`: None if the line
    has none. `filter`: the name of lm_eval's filter; a file has a row per document and filter.
    """

    id: str
    doc_hash: str | None
    answer_type: str | None
    filter: str
    metrics: dict[str, float | None]
    gold: int | None = None
    scores: tuple[float, ...] | None = None


class RowTexts(msgspec.Struct, frozen=True, kw_only=True):
    """A document and the model's answer.

    `answers`: the filtered responses: for each choice a pair (log-likelihood, is greedy), or one or several texts.
    """

    doc: dict[str, Any]
    answers: list[Any] = msgspec.field(name="filtered_resps")

    @property
    def scores(self) -> list[float]:
        """The log-likelihoods of the choices in nats; empty if the answers are texts."""
        pairs = [answer for answer in self.answers if isinstance(answer, list) and len(answer) == 2]
        is_scored = bool(pairs) and len(pairs) == len(self.answers) and all(str(pair[1]) in ("True", "False") for pair in pairs)
        return [float(pair[0]) for pair in pairs] if is_scored else []

    @property
    def outputs(self) -> list[str]:
        """The generated texts; empty if choices were scored."""
        answers = self.answers[0] if len(self.answers) == 1 and isinstance(self.answers[0], list) else self.answers
        return [] if self.scores else [str(answer) for answer in answers]


class FullRow(RowTexts, frozen=True, kw_only=True):
    """A document of any task, with the prompt and the model's answer.

    `options`: the continuations that were scored, of a task with choices. `metrics`: every number of the line by its name.
    """

    doc_hash: str
    target: str
    filter: str
    prompt: str
    options: list[str]
    metrics: dict[str, float]


def read_rows(
    path: Path, metrics: Sequence[str], optional: Sequence[str] = (), *, scores: bool = False, id_field: str = "id"
) -> Iterator[SampleRow]:
    """Yield the rows of a samples file in file order; none for an empty file. Duplicate ids are left to the caller.

    `metrics`: the metrics that every line must have; `optional` ones may be missing. `scores`: read `gold` and the log-likelihoods, too;
    views with choices have them. `id_field`: the field of the document that identifies the item. If an object has a key twice, the
    last one counts.

    Raises:
        UserError: A line is not whole JSON or lacks a field; the message begins with file:line.
    """
    rows = read_rows_and_texts(path, metrics, optional, scores=scores, id_field=id_field, needs_text=lambda _: False)
    return (row for row, _ in rows)


def read_rows_and_texts(
    path: Path,
    metrics: Sequence[str],
    optional: Sequence[str] = (),
    *,
    scores: bool = False,
    id_field: str = "id",
    needs_text: Callable[[str], bool],
) -> Iterator[tuple[SampleRow, RowTexts | None]]:
    """Yield the rows as `read_rows` does, each with its texts if `needs_text(item id)` is true, else with None.

    Raises:
        UserError: As `read_rows`.
    """
    names = {f"metric_{index}": name for index, name in enumerate((*metrics, *optional))}
    line_type = _line_type(tuple(metrics), tuple(optional), scores, id_field)
    decoder = msgspec.json.Decoder(line_type)

    def parse(line: bytes) -> tuple[SampleRow, RowTexts | None]:
        row = _row(_decode(line, decoder, line_type), names, scores)
        return row, _decode(line, _TEXTS, RowTexts) if needs_text(row.id) else None

    return _parse_lines(path, parse)


def read_full_rows(path: Path) -> Iterator[FullRow]:
    """Yield the rows of a samples file of any task, in file order.

    Raises:
        UserError: A line is not whole JSON or not a row of lm_eval; the message begins with file:line.
    """
    return _parse_lines(path, _full_row)


def _parse_lines(path: Path, parse: Callable[[bytes], Parsed]) -> Iterator[Parsed]:
    number = 0
    # Bytes, because a file can end within a character, and because only \n ends a line.
    with path.open("rb") as lines:
        try:
            for number, line in enumerate(lines, 1):  # noqa: B007 - for the messages below
                yield parse(line)
        except msgspec.ValidationError as error:
            raise UserError(
                f"{path}:{number} lacks what its task writes ({error}): is it a samples file of lm_eval, of this task?"
            ) from error
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}:{number} is not a whole row ({error}): the file is truncated, run it again") from error


@lru_cache
def _line_type(metrics: tuple[str, ...], optional: tuple[str, ...], scores: bool, id_field: str) -> type[msgspec.Struct]:
    """Return the record of the fields that are parsed. Metrics are numbered, because their names need not be Python names."""
    # A document of another project may have any value here; our own values are checked where they are used.
    doc_fields: list[Any] = [("id", str | int), ("answer_type", Any, None)]
    line_fields: list[Any] = [("doc_hash", str | None, None), ("filter", str, "none")]
    if scores:
        doc_fields.append(("gold", int))
        # lm_eval writes a log-likelihood and whether it is the greedy one, both as strings.
        line_fields.append(("filtered_resps", list[tuple[str | float, str | bool]]))
    fields = {name: f"metric_{index}" for index, name in enumerate((*metrics, *optional))}
    line_fields += [(fields[name], float | bool) for name in metrics]
    line_fields += [(fields[name], float | bool | None, None) for name in optional]
    doc = msgspec.defstruct("Doc", doc_fields, rename={"id": id_field}, kw_only=True, gc=False)
    renamed = {field: name for name, field in fields.items()}
    return msgspec.defstruct("Line", [("doc", doc), *line_fields], rename=renamed, kw_only=True, gc=False)


def _decode(line: bytes, decoder: msgspec.json.Decoder[Any], line_type: type[msgspec.Struct]) -> Any:
    # msgspec does not check the encoding of text that it skips.
    line.decode()
    try:
        return decoder.decode(line)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # Python writes NaN and Infinity, which are not JSON; only its own parser reads them.
        return msgspec.convert(json.loads(line), line_type)


def _row(line: Any, names: dict[str, str], scores: bool) -> SampleRow:
    doc, kind = line.doc, line.doc.answer_type
    # Every view and variant has the same few strings; interned, each is stored once.
    return SampleRow(
        intern(str(doc.id)),
        line.doc_hash and intern(line.doc_hash),
        intern(kind) if isinstance(kind, str) else None,
        intern(line.filter),
        {name: getattr(line, field) for field, name in names.items()},
        doc.gold if scores else None,
        tuple([float(score) for score, _ in line.filtered_resps]) if scores else None,
    )


_TEXTS = msgspec.json.Decoder(RowTexts)


class _Request(msgspec.Struct):
    """The arguments of one request: the prompt, and the continuation or the decoding settings."""

    arg_0: Any = ""
    arg_1: Any = ""


class _FullLine(msgspec.Struct):
    doc: Any
    filtered_resps: list[Any]
    arguments: dict[str, _Request] | None = None
    doc_hash: Any = ""
    target: Any = ""
    filter: Any = "none"


# The fields that lm_eval writes beside the metrics.
_FIELDS = frozenset("doc_id doc target arguments resps filtered_resps filter metrics doc_hash prompt_hash target_hash".split())


def _full_row(line: bytes) -> FullRow:
    content = json.loads(line.decode())
    fields = msgspec.convert(content, _FullLine)
    requests = list((fields.arguments or {}).values())
    return FullRow(
        doc=fields.doc if isinstance(fields.doc, dict) else {"doc": fields.doc},
        doc_hash=str(fields.doc_hash),
        target=str(fields.target),
        filter=str(fields.filter),
        prompt=str(requests[0].arg_0) if requests else "",
        options=[str(request.arg_1).strip() for request in requests],
        answers=fields.filtered_resps,
        metrics={name: value for name, value in content.items() if name not in _FIELDS and isinstance(value, (int, float))},
    )
