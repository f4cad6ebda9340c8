"""A samples file read whole, for what needs more than a few numbers of a row: other people's tasks, and the item browser.

A samples file of lm_eval -> its rows, typed. The only module that knows how a line is laid out.

A line is one to several kilobytes, a row a few dozen bytes of it: msgspec parses the fields that are declared here and passes over the
rest.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
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


# What lm_eval writes beside the metrics.
_FIELDS = frozenset("doc_id doc target arguments resps filtered_resps filter metrics doc_hash prompt_hash target_hash".split())


@dataclass(frozen=True)
class WholeRow:
    """A document and what a model made of it.

    `options`: what was scored after the prompt, of a task with choices. `answers`: the filtered responses, a (log-likelihood, is
    greedy) a choice or a text an output. `metrics`: every number by its name.
    """

    doc: dict[str, Any]
    doc_hash: str
    target: str
    filter: str
    prompt: str
    options: list[str]
    answers: list[Any]
    metrics: dict[str, float]

    @property
    def scores(self) -> list[float]:
        """The log-likelihoods of the choices; empty where the answers are texts."""
        pairs = [answer for answer in self.answers if isinstance(answer, list) and len(answer) == 2]
        is_scored = bool(pairs) and len(pairs) == len(self.answers) and all(str(pair[1]) in ("True", "False") for pair in pairs)
        return [float(pair[0]) for pair in pairs] if is_scored else []

    @property
    def outputs(self) -> list[str]:
        """The texts that were generated, one or several; empty where choices were scored."""
        answers = self.answers[0] if len(self.answers) == 1 and isinstance(self.answers[0], list) else self.answers
        return [] if self.scores else [str(answer) for answer in answers]


class _Doc(msgspec.Struct):
    id: str | int = ""


class _Line(msgspec.Struct):
    doc: _Doc


def read_whole_rows(path: Path, ids: Collection[str] | None = None) -> Iterator[WholeRow]:
    """The rows of a samples file in its order; with `ids`, those of these items and few others, hardly parsed.

    Raises:
        UserError: a line is not whole JSON or not a row of lm_eval; the message begins with file:line.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if ids is None or _may_be_of(line, ids):
                yield _parse_whole(line, f"{path}:{number}")


def _may_be_of(line: bytes, ids: Collection[str]) -> bool:
    try:
        return str(msgspec.json.decode(line, type=_Line).doc.id) in ids
    except msgspec.DecodeError:
        # Not JSON, or with the bare NaN that Python writes: parsed whole it will show.
        return True


def _parse_whole(line: bytes, place: str) -> WholeRow:
    try:
        return _whole_row(json.loads(line))
    except ValueError as error:
        raise UserError(f"{place} is not a whole row ({error}): the file is truncated, run it again") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{place} lacks {error}: is it a samples file of lm_eval?") from error


def _whole_row(line: dict[str, Any]) -> WholeRow:
    doc = line["doc"]
    arguments: dict[str, dict[str, Any]] = line.get("arguments") or {}
    asked = list(arguments.values())
    return WholeRow(
        doc=doc if isinstance(doc, dict) else {"doc": doc},
        doc_hash=str(line.get("doc_hash", "")),
        target=str(line.get("target", "")),
        filter=str(line.get("filter", "none")),
        prompt=str(asked[0].get("arg_0", "")) if asked else "",
        options=[str(one.get("arg_1", "")).strip() for one in asked],
        answers=list(line["filtered_resps"]),
        metrics={name: value for name, value in line.items() if name not in _FIELDS and isinstance(value, (int, float))},
    )
