"""`report --fail-if CONDITION`: a bound on a number of the report, for the CI of people who compress models."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.outcomes import POOLED

FORM = "METRIC > BOUND [at VARIANT] [of BASE_MODEL] [in LANGUAGE], e.g. 'recognition_only_rate > 0.05 at wanda-0.6'"
OPERATORS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
_CONDITION = re.compile(
    r"(?P<metric>[a-z_][\w.]*)\s*(?P<comparison>>=|<=|>|<)\s*(?P<bound>-?\d*\.?\d+)(?P<percent>\s*%)?"
    r"(?:\s+at\s+(?P<variant>\S+))?(?:\s+of\s+(?P<base_model>\S+))?(?:\s+in\s+(?P<language>\S+))?"
)
BOUNDS = {"low": 0, "high": 1}


@dataclass(frozen=True)
class Condition:
    """`metric`: a row's name, dotted below it; `.low` and `.high` are the bounds of its interval. None stands for: all of them."""

    text: str
    metric: str
    comparison: str
    bound: float
    variant: str | None
    base_model: str | None
    language: str


def read_condition(text: str) -> Condition:
    """What a condition says.

    Raises:
        UserError: it has another form.
    """
    found = _CONDITION.fullmatch(text.strip())
    if not found:
        raise UserError(f"--fail-if {text!r} can't be read: give {FORM}")
    bound = float(found["bound"]) / (100 if found["percent"] else 1)
    return Condition(
        text, found["metric"], found["comparison"], bound, found["variant"], found["base_model"], found["language"] or POOLED
    )


def failures(conditions: Sequence[Condition], report: dict[str, Any]) -> list[str]:
    """A line for each row of the report for which a condition holds: the reasons to fail.

    Raises:
        UserError: a condition names no row, no number, or one that is undefined. What checks nothing must not pass.
    """
    return [line for condition in conditions for line in _failures_of(condition, report["rows"])]


def _failures_of(condition: Condition, rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    for row in _rows_of(condition, rows):
        value = _value(condition, row)
        if OPERATORS[condition.comparison](value, condition.bound):
            yield (
                f"{condition.metric} is {value:.4g} at {row['variant']} of {row['base_model']} in {row['family']},"
                f" language {row['language']}: fails {condition.text!r}"
            )


def _rows_of(condition: Condition, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that it names; where it names no variant, all but the dense ones."""
    named = [row for row in rows if _is_named(condition, row)]
    if not named:
        seen = {name: sorted({row[name] for row in rows}) for name in ("variant", "base_model", "language")}
        known = "; ".join(f"{name}: {', '.join(values)}" for name, values in seen.items())
        raise UserError(f"--fail-if {condition.text!r} names no row of the report: there are {known}")
    return named


def _is_named(condition: Condition, row: dict[str, Any]) -> bool:
    variant = row["variant"] == condition.variant if condition.variant else row["variant"] != "dense"
    model = condition.base_model in (None, row["base_model"])
    return variant and model and row["language"] == condition.language


def _value(condition: Condition, row: dict[str, Any]) -> float:
    *path, last = condition.metric.split(".")
    inner = _walk(condition, row, path)
    if last in BOUNDS and isinstance(inner, dict) and "ci" in inner:
        found = inner["ci"] and inner["ci"][BOUNDS[last]]
    else:
        found = _walk(condition, inner, [last])
        found = found["value"] if isinstance(found, dict) and "value" in found else found
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        what = "is undefined" if found is None else "is no number"
        raise UserError(
            f"--fail-if {condition.text!r}: {condition.metric} {what} at {row['variant']} of {row['base_model']} in"
            f" {row['family']}: give another metric, or the runs that it needs"
        )
    return found


def _walk(condition: Condition, place: Any, path: Sequence[str]) -> Any:
    for name in path:
        if place is None:
            return None
        if not isinstance(place, dict) or name not in place:
            names = ", ".join(place) if isinstance(place, dict) else "nothing below it"
            raise UserError(f"--fail-if {condition.text!r}: {condition.metric} is not in the report: there are {names}")
        place = place[name]
    return place
