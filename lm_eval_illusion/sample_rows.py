"""A samples file of lm_eval -> its rows, typed. The only module that knows how a line is laid out.

A line is one to several kilobytes, a row a few dozen bytes of it: msgspec parses the fields that are declared here and passes over the
rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from sys import intern
from typing import Any

import msgspec

from lm_eval_illusion.errors import UserError


class SampleRow(msgspec.Struct, frozen=True, gc=False):
    """What one line says of one item.

    `metrics`: by name; NaN where lm_eval wrote NaN, None where an optional one is null or not there. `gold` and `scores`: the right
    choice's index and the choices' log-likelihoods; None where they were not asked for. `doc_hash`, `answer_type`: None where the line
    has none. `filter`: lm_eval writes a row an item *and filter*.
    """

    id: str
    doc_hash: str | None
    answer_type: str | None
    filter: str
    metrics: dict[str, float | None]
    gold: int | None = None
    scores: tuple[float, ...] | None = None


def read_rows(
    path: Path, metrics: Sequence[str], optional: Sequence[str] = (), *, scores: bool = False, id_field: str = "id"
) -> Iterator[SampleRow]:
    """The rows of a samples file in its order, an empty file's none. Ids may be doubled: that is for the caller to see.

    Every line must have `metrics`; `optional` ones may be missing. `scores`: read `gold` and the log-likelihoods too, which the views
    with choices have. `id_field`: the field of the document that names the item. Of a key that stands twice in an object the last counts.

    Raises:
        UserError: a line is not whole JSON, or lacks something; the message begins with file:line.
    """
    names = {f"metric_{place}": name for place, name in enumerate((*metrics, *optional))}
    line_type = _line_type(tuple(metrics), tuple(optional), scores, id_field)
    decoder = msgspec.json.Decoder(line_type)
    number = 0
    # Bytes, because a file can end within a character, and because only \n ends a line.
    with path.open("rb") as lines:
        try:
            for number, line in enumerate(lines, 1):  # noqa: B007 - the messages below say it
                yield _row(_parsed(line, decoder, line_type), names, scores)
        except msgspec.ValidationError as error:
            raise UserError(
                f"{path}:{number} lacks what its task writes ({error}): is it a samples file of lm_eval, of this task?"
            ) from error
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}:{number} is not a whole row ({error}): the file is truncated, run it again") from error


@lru_cache
def _line_type(metrics: tuple[str, ...], optional: tuple[str, ...], scores: bool, id_field: str) -> type[msgspec.Struct]:
    """The fields of a line that are parsed. A metric's name need not be a Python name, so they are numbered."""
    # Other people's documents may hold anything under these names; our own are checked where they are used.
    doc_fields: list[Any] = [("id", str | int), ("answer_type", Any, None)]
    line_fields: list[Any] = [("doc_hash", str | None, None), ("filter", str, "none")]
    if scores:
        doc_fields.append(("gold", int))
        # lm_eval writes a log-likelihood and whether it is the greedy one, both as strings.
        line_fields.append(("filtered_resps", list[tuple[str | float, str | bool]]))
    places = {name: f"metric_{place}" for place, name in enumerate((*metrics, *optional))}
    line_fields += [(places[name], float | bool) for name in metrics]
    line_fields += [(places[name], float | bool | None, None) for name in optional]
    doc = msgspec.defstruct("Doc", doc_fields, rename={"id": id_field}, kw_only=True, gc=False)
    renamed = {place: name for name, place in places.items()}
    return msgspec.defstruct("Line", [("doc", doc), *line_fields], rename=renamed, kw_only=True, gc=False)


def _parsed(line: bytes, decoder: msgspec.json.Decoder[Any], line_type: type[msgspec.Struct]) -> Any:
    # msgspec does not look at the text that it passes over.
    line.decode()
    try:
        return decoder.decode(line)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # Python writes NaN and Infinity bare, which is not JSON; its own parser reads them.
        return msgspec.convert(json.loads(line), line_type)


def _row(line: Any, names: dict[str, str], scores: bool) -> SampleRow:
    doc, kind = line.doc, line.doc.answer_type
    # The same few strings come back in every view and variant: interned, each is kept once.
    return SampleRow(
        intern(str(doc.id)),
        line.doc_hash and intern(line.doc_hash),
        intern(kind) if isinstance(kind, str) else None,
        intern(line.filter),
        {name: getattr(line, place) for place, name in names.items()},
        doc.gold if scores else None,
        tuple([float(score) for score, _ in line.filtered_resps]) if scores else None,
    )
