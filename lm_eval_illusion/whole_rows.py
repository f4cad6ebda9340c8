"""A samples file read whole, for what needs more than a few numbers of a row: other people's tasks, and the item browser."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from lm_eval_illusion.errors import UserError

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
                yield _parsed(line, f"{path}:{number}")


def _may_be_of(line: bytes, ids: Collection[str]) -> bool:
    try:
        return str(msgspec.json.decode(line, type=_Line).doc.id) in ids
    except msgspec.DecodeError:
        # Not JSON, or with the bare NaN that Python writes: parsed whole it will show.
        return True


def _parsed(line: bytes, place: str) -> WholeRow:
    try:
        return _row(json.loads(line))
    except ValueError as error:
        raise UserError(f"{place} is not a whole row ({error}): the file is truncated, run it again") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{place} lacks {error}: is it a samples file of lm_eval?") from error


def _row(line: dict[str, Any]) -> WholeRow:
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
