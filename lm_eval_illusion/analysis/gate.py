"""`report --fail-if CONDITION`: fail if a number of the report exceeds a bound, for CI jobs that compress models."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lm_eval_illusion.analysis.records import Report, Row, row_json
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.escaping import shortened
from lm_eval_illusion.results.outcomes import POOLED
from lm_eval_illusion.results.variants import DENSE_METHOD

FORM = (
    "METRIC > BOUND [at VARIANT] [of BASE_MODEL] [in LANGUAGE], e.g. 'recognition_only_rate > 0.05 at wanda-0.6'; a name with blanks"
    " in quotes"
)
OPERATORS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
# A word, or a text in single or double quotes, in which a doubled quote stands for one.
_NAME = r"""[^\s"']\S*|'(?:[^']|'')*'|"(?:[^"]|"")*\""""
_CONDITION = re.compile(
    r"(?P<metric>[a-z_][\w.]*)\s*(?P<comparison>>=|<=|>|<)\s*(?P<bound>-?[0-9]*\.?[0-9]+)(?P<percent>\s*%)?"
    rf"(?:\s+at\s+(?P<variant>{_NAME}))?(?:\s+of\s+(?P<base_model>{_NAME}))?(?:\s+in\s+(?P<language>{_NAME}))?"
)
ABOUT_THE_DENSE_MODEL = "validity."
"""Metrics of this prefix are those of the dense model in each row of its variants."""
BOUNDS = {"low": 0, "high": 1}
SHORT_FORMS = {"failure": "failure_modes"}
"""Names that a condition may begin with, and the field of a row that each stands for."""
_SHARE = (0.0, 1.0)
_CHANGE = (-1.0, 1.0)
_COUNT = (0.0, math.inf)
# The smallest and the largest value of a number, by the first of these names on its path. Any other number is a count or a share.
_RANGES = {
    "n": _COUNT,
    "histogram": _COUNT,
    "share_at_most_10": _SHARE,
    "gold_rank": (1.0, math.inf),
    "logprob_drop": (-math.inf, math.inf),
    "kl": (0.0, math.inf),
    "kl_by_transition": (0.0, math.inf),
    "illusion_gap": _CHANGE,
    "production_change": _CHANGE,
    "recognition_change": _CHANGE,
    "gap_change": (-2.0, 2.0),
    # Truth values, of which true is 1.
    "ok": _SHARE,
    "clears_noise": _SHARE,
}


@dataclass(frozen=True)
class Condition:
    """A comparison of one number of the matching rows with a bound.

    `metric`: the path of the number in a row of report.json, e.g. "vs_dense.induced_rate", or "failure.repetition" for
    "failure_modes.repetition"; ".low" and ".high" are the bounds of its interval. `variant` None matches every variant but the dense one,
    `base_model` None every base model.
    """

    text: str
    metric: str
    comparison: str
    bound: float
    variant: str | None
    base_model: str | None
    language: str


def read_condition(text: str) -> Condition:
    """Parse a condition of the form FORM.

    Raises:
        UserError: The text has another form, or the bound is too large to be a number.
    """
    found = _CONDITION.fullmatch(text.strip())
    if not found:
        raise UserError(f"--fail-if {text!r} can't be read: give {FORM}")
    bound = float(found["bound"]) / (100 if found["percent"] else 1)
    if not math.isfinite(bound):
        raise UserError(
            f"--fail-if {shortened(text, 200)!r} has a bound that is too large, so it can never fail: give a smaller one"
        )
    return Condition(
        text,
        found["metric"],
        found["comparison"],
        bound,
        _unquoted(found["variant"]),
        _unquoted(found["base_model"]),
        _unquoted(found["language"]) or POOLED,
    )


def quoted(name: str) -> str:
    """Return a name as a condition must state it: in quotes if it has blanks or quotes."""
    if re.fullmatch(r"[^\s\"']+", name):
        return name
    quote = '"' if "'" in name and '"' not in name else "'"
    return quote + name.replace(quote, 2 * quote) + quote


def _unquoted(name: str | None) -> str | None:
    if not name or name[0] not in "'\"":
        return name
    return name[1:-1].replace(2 * name[0], name[0])


def failures(conditions: Sequence[Condition], report: Report) -> list[str]:
    """Return a line for each condition and row of the report for which the condition holds: the reasons to fail.

    Raises:
        UserError: A condition matches no row, its metric is undefined or not a number there, or no value of the metric could pass the
            bound. A condition that checks nothing must not pass.
    """
    dense = {(entry.base_model, entry.variant) for entry in report.variants if entry.pruner == DENSE_METHOD}
    return [line for condition in conditions for line in _failures_of(condition, report.rows, dense)]


def _failures_of(condition: Condition, rows: Sequence[Row], dense: Collection[tuple[str, str]]) -> Iterator[str]:
    for row in _matching(condition, rows, dense):
        value = _value(condition, row)
        _check_can_fail(condition, value)
        if OPERATORS[condition.comparison](value, condition.bound):
            yield (
                f"{condition.metric} is {value:.4g} at {quoted(row.variant)} of {quoted(row.base_model)} in {row.family},"
                f" language {row.language}: fails {condition.text!r}"
            )


def _matching(condition: Condition, rows: Sequence[Row], dense: Collection[tuple[str, str]]) -> list[Row]:
    matching = [row for row in rows if _matches(condition, row, dense)]
    if not matching and condition.metric.startswith(ABOUT_THE_DENSE_MODEL):
        # The verdict is there before anything is compressed.
        matching = [row for row in rows if _matches(condition, row, ())]
    if not matching:
        names = "; ".join(
            f"{name}: {', '.join(quoted(value) for value in sorted({str(getattr(row, name)) for row in rows}))}"
            for name in ("variant", "base_model", "language")
        )
        raise UserError(f"--fail-if {condition.text!r} names no row of the report: there are {names}")
    return matching


def _matches(condition: Condition, row: Row, dense: Collection[tuple[str, str]]) -> bool:
    is_compressed = (row.base_model, row.variant) not in dense
    variant = row.variant == condition.variant if condition.variant is not None else is_compressed
    base_model = condition.base_model in (None, row.base_model)
    return variant and base_model and row.language == condition.language


def _value(condition: Condition, row: Row) -> float:
    *path, last = _path(condition.metric)
    parent = _walk(condition, row_json(row), path)
    if last in BOUNDS and isinstance(parent, dict) and "ci" in parent:
        value = parent["ci"] and parent["ci"][BOUNDS[last]]
    else:
        value = _walk(condition, parent, [last])
        value = value["value"] if isinstance(value, dict) and "value" in value else value
    if isinstance(value, bool):
        return int(value)
    if not isinstance(value, (int, float)):
        problem = "is undefined" if value is None else "is no number"
        raise UserError(
            f"--fail-if {condition.text!r}: {condition.metric} {problem} at {quoted(row.variant)} of {quoted(row.base_model)} in"
            f" {row.family}: give another metric, or the runs that it needs"
        )
    return value


def _path(metric: str) -> list[str]:
    """Return the names on the path of a metric in a row of report.json."""
    first, *others = metric.split(".")
    return [SHORT_FORMS.get(first, first), *others]


def _check_can_fail(condition: Condition, value: float) -> None:
    """Check that a value of the metric could pass the bound. Of a share, none is above 5 where 5 % is meant."""
    names = _path(condition.metric)
    other = _COUNT if isinstance(value, int) else _SHARE
    low, high = next((limits for name, limits in _RANGES.items() if name in names), other)
    best = high if condition.comparison in (">", ">=") else low
    if OPERATORS[condition.comparison](best, condition.bound):
        return
    is_percent = math.isfinite(best) and 1 < abs(condition.bound) <= 100 and condition.bound * best > 0
    limits = f"{low:g} or more" if high == math.inf else f"from {low:g} to {high:g}"
    remedy = f"write {condition.bound:g} %" if is_percent else f"give a bound that a number {limits} can pass"
    raise UserError(f"--fail-if {condition.text!r} can never fail, because {condition.metric} is {limits}: {remedy}")


def _walk(condition: Condition, value: Any, path: Sequence[str]) -> Any:
    """Return the value at a path below a JSON value; None where a parent on the path is undefined, or a mapping without entries."""
    for name in path:
        # Failure modes and recovery have no entries where their answers were not judged, or their views not run.
        if value is None or value == {}:
            return None
        if not isinstance(value, dict) or name not in value:
            there = f"there are {', '.join(value)}" if isinstance(value, dict) else f"{name} is below a value that has no names"
            raise UserError(f"--fail-if {condition.text!r}: {condition.metric} is not in the report: {there}")
        value = value[name]
    return value
