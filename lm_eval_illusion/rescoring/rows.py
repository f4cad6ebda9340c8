"""One line of a samples file, judged by the rules of today. Only the values that depend on the rules change; all other bytes stay."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

import msgspec

from lm_eval_illusion.results.sample_lines import RowError
from lm_eval_illusion.views import TWIN, TaskForm, View
from lm_eval_illusion.views.logged_fields import Logged
from lm_eval_illusion.views.twin import PRODUCED, RECOGNISED, RECOGNITION_ONLY

_DECODER = json.JSONDecoder()
_BLANK = (" ", "\t", "\n", "\r")
_BLANKS = re.compile(r"[ \t\n\r]*")


class CannotJudgeError(Exception):
    """The rows of a file lack what the rules need, so the file stays as it is. The message says what."""


@dataclass(frozen=True)
class JudgedLine:
    """A line after it was judged.

    `line`: its bytes. `filter`: the name of lm_eval's filter. `metrics`: those that depend on the rules, as they are now. `was_right`,
    `is_right`: the verdict before and after.
    """

    line: bytes
    filter: str
    metrics: dict[str, float]
    was_right: bool
    is_right: bool


class _Doc(msgspec.Struct):
    answer: str
    aliases: list[str] | None = None
    lang: str | None = None


def judged_line(line: bytes, form: TaskForm, language: str) -> JudgedLine:
    """Judge one line by the rules of today.

    Args:
        line: A row of a samples file with its line end.
        form: What its task asks; it generates text.
        language: That of the task, for a document that names none.

    Raises:
        ValueError: The line is not a whole JSON object in UTF-8 (also `RowError`: its answers are not those of the form).
        CannotJudgeError: The document has no answer, or the row was not scored.
    """
    text = line.decode()
    values, spans, end = _fields(text)
    outcome = PRODUCED if form is TWIN else _view(form).outcome_metric
    before = values.get(outcome)
    if not isinstance(before, (int, float)):
        raise CannotJudgeError(f"its rows have no {outcome}")
    now = _judged(values, form, language)
    written = {
        name: value for name, value in now.items() if (values[name] != value if name in spans else name in _only_in_rows(form))
    }
    return JudgedLine(
        _replaced(text, written, spans, end).encode(),
        str(values.get("filter", "none")),
        {name: value for name, value in now.items() if name in spans and isinstance(value, float)},
        before == 1,
        now[outcome] == 1,
    )


def _view(form: TaskForm) -> View:
    return form if isinstance(form, View) else form.production


def _only_in_rows(form: TaskForm) -> tuple[str, ...]:
    """Return what is added to a row that lacks it: a metric that the task did not log stays away, because no aggregate states it."""
    return form.fields if isinstance(form, View) else (*(metric.name for metric in form.unlisted), *form.fields)


def _judged(values: Mapping[str, Any], form: TaskForm, language: str) -> dict[str, Logged]:
    """Return the values of a row that depend on the rules. Those with another aggregation than the mean do not."""
    view = _view(form)
    item, answers = _item(values.get("doc"), language), values.get("filtered_resps")
    if not isinstance(answers, list) or not answers:
        raise RowError("it has no filtered_resps")
    answer = answers[-1]
    texts = answer if view.repeats > 1 else [answer]
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise RowError(f"filtered_resps does not end with {'a list of texts' if view.repeats > 1 else 'a text'}")
    scored = dict(view.score(item, [answer]))
    means = {metric.name for metric in view.metrics if metric.aggregation == "mean"}
    now: dict[str, Logged] = {name: scored[name] for name in scored if name in means or name in view.fields}
    if form is not TWIN:
        return now
    produced = now.pop(view.outcome_metric)
    logged = {metric.name for metric in TWIN.metrics} | set(_only_in_rows(form))
    return {
        PRODUCED: produced,
        RECOGNITION_ONLY: float(values.get(RECOGNISED) == 1 and produced == 0),
        **{name: value for name, value in now.items() if name in logged},
    }


def _item(doc: Any, language: str) -> dict[str, Any]:
    try:
        read = msgspec.convert(doc, _Doc)
    except msgspec.ValidationError as error:
        raise CannotJudgeError(f"its documents are no items of ours ({error})") from error
    return {"answer": read.answer, "aliases": read.aliases or [], "lang": read.lang or language}


def _fields(text: str) -> tuple[dict[str, Any], dict[str, tuple[int, int]], int]:
    """Return the values of a JSON object by key, where each stands in the text, and where the object's last bracket stands.

    If a key is there twice, the last one counts.

    Raises:
        ValueError: The text is no JSON object.
    """
    values: dict[str, Any] = {}
    spans: dict[str, tuple[int, int]] = {}
    at = _expect(text, 0, "{")
    while text[at : at + 1] != "}":
        if values:
            at = _expect(text, at, ",")
        key, at = scanstring(text, _expect(text, at, '"', blanks_after=False))
        start = _expect(text, at, ":")
        values[key], at = _DECODER.raw_decode(text, start)
        spans[key] = start, at
        at = _after_blanks(text, at)
    if _after_blanks(text, at + 1) != len(text):
        raise json.JSONDecodeError("Extra data", text, at + 1)
    return values, spans, at


def _expect(text: str, at: int, sign: str, *, blanks_after: bool = True) -> int:
    at = _after_blanks(text, at)
    if text[at : at + 1] != sign:
        raise json.JSONDecodeError(f"Expecting {sign!r}", text, at)
    return _after_blanks(text, at + 1) if blanks_after else at + 1


def _after_blanks(text: str, at: int) -> int:
    # The usual file has one blank or none, and a pattern takes longer.
    if text[at : at + 1] not in _BLANK:
        return at
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def _replaced(text: str, values: Mapping[str, Logged], spans: Mapping[str, tuple[int, int]], end: int) -> str:
    """Return the text with these values: in the place of the old ones, or before the object's last bracket at `end`."""
    added = "".join(f", {json.dumps(name)}: {json.dumps(value)}" for name, value in values.items() if name not in spans)
    parts = [(end, end, added)]
    parts += [(*spans[name], json.dumps(value)) for name, value in values.items() if name in spans]
    for start, stop, new in sorted(parts, reverse=True):
        text = text[:start] + new + text[stop:]
    return text
