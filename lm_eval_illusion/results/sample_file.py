"""The reader of samples files: with sample_lines.py the only module that knows how lm_eval lays out a line.

A line has one to several kilobytes, and the report needs a few dozen bytes of most lines: `read_rows` parses only the declared fields.
The texts of a line are parsed only for the items of the item browser, and whole lines only for tasks of other projects.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from sys import intern
from typing import Annotated, Any

import msgspec

from lm_eval_illusion.results.judge_files import Judge
from lm_eval_illusion.results.messages import shown
from lm_eval_illusion.results.next_tokens import NextTokens, read_next_tokens
from lm_eval_illusion.results.sample_lines import RowError, decode_line, index_of, number_of, parse_lines, scores_and_outputs
from lm_eval_illusion.results.task_hash import TaskHash
from lm_eval_illusion.views.logged_fields import MATCH_RULE, MATCH_VERSION
from lm_eval_illusion.views.metrics import has_one_highest, is_strictly_highest
from lm_eval_illusion.views.twin import PRODUCED, RECOGNISED, RECOGNITION_ONLY

RuleName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,40}\Z")] | None
RulesVersion = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None


class SampleRow(msgspec.Struct, frozen=True, gc=False):
    """The numbers of one item in one line.

    `metrics`: by name; NaN where lm_eval wrote NaN, None where an optional metric is null or missing. `gold` and `scores`: index of the
    gold choice and log-likelihood of each choice in nats; None if they were not requested. `doc_hash`, `answer_type`: None if the line
    has none. `filter`: the name of lm_eval's filter; a file has a row per document and filter. `next_tokens`: None if the line has none
    or they were not requested. `failure_mode`: how the answer fails, None if it was not asked for or if the item is produced.
    `verdicts`: of the judges on the answer, None if there is no judge file.
    `match_rule`, `match_version`: the rule that judged the answer and the version of the rules; None if the line has none.
    `asked_otherwise`: whether the item has an option whose question asks for another kind of thing; None if the document does not say so.
    """

    id: str
    doc_hash: str | None
    answer_type: str | None
    filter: str
    metrics: dict[str, float | None]
    gold: int | None = None
    scores: tuple[float, ...] | None = None
    next_tokens: NextTokens | None = None
    failure_mode: str | None = None
    verdicts: dict[Judge, str] | None = None
    match_rule: str | None = None
    match_version: int | None = None
    asked_otherwise: bool | None = None


class ItemDoc(msgspec.Struct, frozen=True, kw_only=True):
    """The item of one of our views. A field is None if the document lacks it; `gold`: index of the right choice."""

    choices: list[str] = msgspec.field(default_factory=list)
    answer_type: Any = None
    question: str | None = None
    context: str | None = None
    gold: int | None = None
    answer: str | None = None
    aliases: list[str] | None = None


class RowTexts(msgspec.Struct, frozen=True, kw_only=True):
    """A document and the model's answer: the log-likelihood of each choice in nats, or one or several texts. A twin has both."""

    doc: ItemDoc
    scores: list[float]
    outputs: list[str]


class FullRow(msgspec.Struct, frozen=True, kw_only=True):
    """A document of any task, with the prompt and the model's answer.

    `line`: its number in the file, from 1. `doc_id`: the document's position in the task, None if unknown. `doc_hash`: None if the line
    has none. `scores`: log-likelihoods of the choices in nats; empty if texts were generated. `outputs`: the generated texts.
    `options`: the continuations that were scored, of a task with choices. `metrics`: every number of the line by its name.
    `match_rule`, `match_version`: as in `SampleRow`.
    """

    line: int
    doc: dict[str, Any]
    doc_id: int | None
    doc_hash: str | None
    target: str
    filter: str
    prompt: str
    scores: list[float]
    outputs: list[str]
    options: list[str]
    metrics: dict[str, float]
    match_rule: str | None = None
    match_version: int | None = None


def read_rows(
    path: Path, metrics: Sequence[str], optional: Sequence[str] = (), *, scores: bool = False, id_field: str = "id"
) -> Iterator[SampleRow]:
    """Yield the rows of a samples file in file order; none for an empty file. Duplicate ids are left to the caller.

    `metrics`: the metrics that every line must have; `optional` ones may be missing. `scores`: read `gold` and the log-likelihoods, too;
    views with choices have them. `id_field`: the field of the document that identifies the item. If an object has a key twice, the
    last one counts.

    Raises:
        UserError: A line is not whole JSON or lacks a field, or its choices, scores and gold choice do not fit; the message begins with
            file:line.
    """
    rows = read_rows_and_texts(path, metrics, optional, scores=scores, id_field=id_field, needs_text=lambda _: False)
    return (row for row, _ in rows)


def read_rows_and_texts(
    path: Path,
    metrics: Sequence[str],
    optional: Sequence[str] = (),
    *,
    scores: bool = False,
    keeps_scores: bool = True,
    answers: int = 0,
    id_field: str = "id",
    tokens: str | None = None,
    needs_text: Callable[[str], bool],
    hashes: TaskHash | None = None,
    language: str | None = None,
    judge: Callable[[bytes, SampleRow], str | None] | None = None,
) -> Iterator[tuple[SampleRow, RowTexts | None]]:
    """Yield the rows as `read_rows` does, each with its texts if `needs_text(item id)` is true, else with None.

    `keeps_scores`: False to check the scores against `acc` and `invalid` and leave them out of the rows, which takes less memory.
    `answers`: the number of generated texts that follow the scores in a row. `tokens`: the metric with the likeliest next tokens, which
    a line may lack. `hashes`: gets the hashes of each row. `language`: the one that each document must have, if it names one.
    `judge`: returns the failure mode of a line from its bytes and its row; the texts that it reads are not kept.

    Raises:
        UserError: As `read_rows`, or a document has another language.
    """
    names = {f"metric_{index}": name for index, name in enumerate((*metrics, *optional))}
    line_type = _line_type(tuple(metrics), tuple(optional), scores, answers, id_field, tokens)
    decoder = msgspec.json.Decoder(line_type)

    def parse(content: bytes) -> tuple[SampleRow, RowTexts | None]:
        line = decode_line(content, decoder, line_type)
        if language is not None and line.doc.lang is not None and line.doc.lang != language:
            raise RowError(
                f"the document is in {shown(line.doc.lang)}, but its task is in {language}: it is a row of another task"
            )
        if hashes is not None:
            hashes.add(line.doc_hash, line.prompt_hash, line.target_hash)
        row = _row(line, names, scores, keeps_scores, answers)
        if tokens is not None and line.next_tokens is not None:
            row = msgspec.structs.replace(row, next_tokens=read_next_tokens(tokens, line.next_tokens))
        if judge is not None:
            row = msgspec.structs.replace(row, failure_mode=judge(content, row))
        return row, _texts(decode_line(content, _TEXTS, _TextsLine), answers) if needs_text(row.id) else None

    return parse_lines(path, parse)


def read_full_rows(path: Path, hashes: TaskHash | None = None) -> Iterator[FullRow]:
    """Yield the rows of a samples file of any task, in file order. `hashes`: gets the hashes of each row.

    Raises:
        UserError: A line is not whole JSON or not a row of lm_eval; the message begins with file:line.
    """
    number = 0

    def parse(line: bytes) -> FullRow:
        nonlocal number
        number += 1
        return _full_row(line, number, hashes)

    return parse_lines(path, parse)


@lru_cache
def _line_type(
    metrics: tuple[str, ...], optional: tuple[str, ...], scores: bool, answers: int, id_field: str, tokens: str | None
) -> type[msgspec.Struct]:
    """Return the record of the fields that are parsed. Metrics are numbered, because their names need not be Python names."""
    # A document of another project may have any value here; our own values are checked where they are used.
    doc_fields: list[Any] = [("id", str | int), ("answer_type", Any, None), ("lang", str | None, None)]
    doc_fields.append(("asked_otherwise", Any, None))
    line_fields: list[Any] = [(name, str | None, None) for name in ("doc_hash", "prompt_hash", "target_hash")]
    line_fields += [(MATCH_RULE, RuleName, None), (MATCH_VERSION, RulesVersion, None)]
    line_fields.append(("filter", str, "none"))
    if scores:
        doc_fields += [("gold", int), ("choices", list[str] | None, None)]
        # lm_eval writes a log-likelihood and whether it is the greedy one, both as strings.
        response: Any = tuple[str | float, str | bool]
        line_fields += [("filtered_resps", list[response | str] if answers else list[response]), ("target", Any, None)]
    fields = {name: f"metric_{index}" for index, name in enumerate((*metrics, *optional))}
    line_fields += [(fields[name], float | bool) for name in metrics]
    line_fields += [(fields[name], float | bool | None, None) for name in optional]
    doc = msgspec.defstruct("Doc", doc_fields, rename={"id": id_field}, kw_only=True, gc=False)
    renamed = {field: name for name, field in fields.items()}
    if tokens is not None:
        line_fields.append(("next_tokens", str | None, None))
        renamed["next_tokens"] = tokens
    return msgspec.defstruct("Line", [("doc", doc), *line_fields], rename=renamed, kw_only=True, gc=False)


def _row(line: Any, names: dict[str, str], has_scores: bool, keeps_scores: bool, answers: int) -> SampleRow:
    doc, kind = line.doc, line.doc.answer_type
    metrics = {name: getattr(line, field) for field, name in names.items()}
    scores = None
    if has_scores:
        scores = _scores_of_choices(line, answers)
        _check_recognition(metrics, scores, doc.gold)
        _check_twin(metrics)
    # Every view and variant has the same few strings; interned, each is stored once.
    return SampleRow(
        intern(str(doc.id)),
        line.doc_hash and intern(line.doc_hash),
        intern(kind) if isinstance(kind, str) else None,
        intern(line.filter),
        metrics,
        doc.gold if has_scores and keeps_scores else None,
        scores if keeps_scores else None,
        match_rule=line.match_rule and intern(line.match_rule),
        match_version=line.match_version,
        asked_otherwise=doc.asked_otherwise if isinstance(doc.asked_otherwise, bool) else None,
    )


def _check_recognition(metrics: dict[str, float | None], scores: tuple[float, ...], gold: int) -> None:
    """Check that `acc` and `invalid`, where they are 0 or 1, are those of the log-likelihoods, as `views.metrics` calculates them."""
    name = RECOGNISED if RECOGNISED in metrics else "acc"
    acc, invalid = metrics.get(name), metrics.get("invalid")
    total = sum(scores)
    # The usual row, without a NaN, in a quarter of the time.
    if total == total:
        highest = max(scores)
        has_one = scores.count(highest) == 1
        is_highest = has_one and scores[gold] == highest
    else:
        has_one, is_highest = has_one_highest(scores), is_strictly_highest(scores, gold)
    if acc is not None and acc == (not is_highest):
        raise RowError(f"{name} is {acc:g}, but by the log-likelihoods of the choices it is {is_highest:d}")
    if invalid is not None and invalid == has_one:
        raise RowError(f"invalid is {invalid:g}, but by the log-likelihoods of the choices it is {1 - invalid:g}")


def _check_twin(metrics: dict[str, float | None]) -> None:
    """Check the metric of a twin that is made from two others, where all are 0 or 1."""
    values = [metrics.get(name) for name in (RECOGNISED, PRODUCED, RECOGNITION_ONLY)]
    if all(value in (0, 1) for value in values) and (values[2] == 1) != (values[0] == 1 and values[1] == 0):
        raise RowError(
            f"{RECOGNITION_ONLY} is {values[2]:g}, but {RECOGNISED} is {values[0]:g} and {PRODUCED} is {values[1]:g}"
        )


def _split_responses(responses: list[Any], answers: int) -> tuple[list[Any], list[Any]]:
    """Return the scores of a row and the generated texts after them.

    Raises:
        RowError: There are other responses than these.
    """
    count = len(responses) - answers
    scores, texts = responses[: max(0, count)], responses[max(0, count) :]
    if answers and (count < 0 or not all(isinstance(text, str) for text in texts) or any(isinstance(s, str) for s in scores)):
        raise RowError(f"filtered_resps has not the scores of the choices and then {answers} answer")
    return scores, texts


def _scores_of_choices(line: Any, answers: int) -> tuple[float, ...]:
    """Return the log-likelihoods of a row of a view with choices, of which one is the gold choice."""
    scores = tuple([number_of(score) for score, _ in _split_responses(line.filtered_resps, answers)[0]])
    gold, choices = line.doc.gold, line.doc.choices
    if choices is not None and len(choices) != len(scores):
        raise RowError(f"the document has {len(choices)} choices, but the row has {len(scores)} scores")
    if not 0 <= gold < len(scores):
        raise RowError(f"gold is {shown(gold)}, not the index of one of {len(scores)} scored choices, from 0")
    if (target := index_of(line.target)) is not None and target != gold:
        raise RowError(f"gold is {gold}, but the target of the row is {target}")
    return scores


class _TextsLine(msgspec.Struct, frozen=True):
    doc: ItemDoc
    filtered_resps: list[Any]


_TEXTS = msgspec.json.Decoder(_TextsLine)


def _texts(line: _TextsLine, answers: int) -> RowTexts:
    doc = line.doc
    if doc.gold is not None and doc.choices and not 0 <= doc.gold < len(doc.choices):
        raise RowError(f"gold is {shown(doc.gold)}, not the index of one of {len(doc.choices)} choices, from 0")
    scored, texts = _split_responses(line.filtered_resps, answers)
    scores, outputs = scores_and_outputs(scored)
    outputs += texts
    return RowTexts(doc=doc, scores=scores, outputs=outputs)


class _Request(msgspec.Struct):
    """The arguments of one request: the prompt, and the continuation or the decoding settings."""

    arg_0: Any = ""
    arg_1: Any = ""


class _FullLine(msgspec.Struct):
    doc: Any
    filtered_resps: list[Any]
    arguments: dict[str, _Request] | None = None
    doc_id: int | None = None
    doc_hash: str | None = None
    prompt_hash: str | None = None
    target_hash: str | None = None
    target: Any = ""
    filter: str = "none"
    match_rule: Any = None
    match_version: Any = None


# The fields that lm_eval writes beside the metrics.
_FIELDS = frozenset(
    "doc_id doc target arguments resps filtered_resps filter metrics doc_hash prompt_hash target_hash".split()
) | {MATCH_RULE, MATCH_VERSION}


def _full_row(line: bytes, number: int, hashes: TaskHash | None) -> FullRow:
    content = json.loads(line.decode())
    fields = msgspec.convert(content, _FullLine)
    if hashes is not None:
        hashes.add(fields.doc_hash, fields.prompt_hash, fields.target_hash)
    requests = list((fields.arguments or {}).values())
    scores, outputs = scores_and_outputs(fields.filtered_resps)
    if fields.doc is None:
        raise RowError("doc is null, not a document")
    return FullRow(
        line=number,
        doc=fields.doc if isinstance(fields.doc, dict) else {"doc": fields.doc},
        doc_id=fields.doc_id,
        doc_hash=fields.doc_hash,
        target=str(fields.target),
        filter=fields.filter,
        prompt=str(requests[0].arg_0) if requests else "",
        scores=scores,
        outputs=outputs,
        options=[str(request.arg_1).strip() for request in (requests[: len(scores)] if scores else requests)],
        metrics={name: value for name, value in content.items() if name not in _FIELDS and isinstance(value, (int, float))},
        # A file of another project may have anything here.
        match_rule=fields.match_rule if isinstance(fields.match_rule, str) else None,
        match_version=fields.match_version if type(fields.match_version) is int else None,
    )
