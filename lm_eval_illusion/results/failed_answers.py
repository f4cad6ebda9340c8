"""The failure mode of a row of the view that decides whether an item is produced, from the row's texts. The texts are not kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from lm_eval_illusion.failures import FailedAnswer, can_judge, failure_mode
from lm_eval_illusion.results.sample_file import SampleRow
from lm_eval_illusion.results.sample_lines import decode_line, scores_and_outputs


class _Doc(msgspec.Struct, gc=False):
    """The texts of an item. A file may be of another program, so a field may have any value: one of another type counts as missing."""

    question: Any = None
    context: Any = None
    answer: Any = None
    aliases: Any = None
    choices: Any = None
    gold: Any = None


class _Line(msgspec.Struct, gc=False):
    doc: _Doc
    filtered_resps: list[Any]
    resps: Any = None
    truncated: Any = None


_LINE = msgspec.json.Decoder(_Line)


def failure_judge(language: str, outcome: str) -> Callable[[bytes, SampleRow], str | None] | None:
    """Return a function that returns the failure mode of a line, None if the item is produced; None for an unknown language.

    `language`: of the items. `outcome`: the metric that is 1 if the item is produced. The response is the raw one where the
    line has it: a filter may have cut it to its first line.
    """

    if not can_judge(language):
        return None

    def judge(content: bytes, row: SampleRow) -> str | None:
        if row.metrics[outcome] == 1:
            return None
        line: _Line = decode_line(content, _LINE, _Line)
        return failure_mode(_failed_answer(line, language))

    return judge


def _failed_answer(line: _Line, language: str) -> FailedAnswer:
    doc = line.doc
    choices = _texts(doc.choices)
    return FailedAnswer(
        response=_response(line),
        lang=language,
        question="".join(_texts([doc.question])),
        context="".join(_texts([doc.context])),
        answers=[*_texts([doc.answer]), *_texts(doc.aliases)],
        distractors=[choice for index, choice in enumerate(choices) if index != doc.gold],
        truncated=bool(line.truncated) if isinstance(line.truncated, (bool, int, float)) else None,
    )


def _response(line: _Line) -> str:
    # The answer of a twin follows the scores of its choices.
    raw = line.resps[-1] if isinstance(line.resps, list) and line.resps else None
    while isinstance(raw, list) and raw:
        raw = raw[0]
    if isinstance(raw, str):
        return raw
    _, outputs = scores_and_outputs(line.filtered_resps[-1:])
    return outputs[0] if outputs else ""


def _texts(values: object) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []
