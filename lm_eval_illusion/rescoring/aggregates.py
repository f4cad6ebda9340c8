"""The aggregates of a results file after its rows were judged again: means and standard errors of tasks and groups, as lm_eval has them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Values = Mapping[str, Sequence[float]]
"""The values of the rows of a task, by metric and filter such as `match,none`."""

_NOT_COMPUTED = "N/A"
_CLOSE = 1e-9


def update_aggregates(content: dict[str, Any], values: Mapping[str, Values], leaves: Mapping[str, Sequence[str]]) -> None:
    """Replace the aggregates of the tasks that were judged again, and of the groups that average them.

    Args:
        content: The content of a results file; it is changed. What it does not state is not added.
        values: By task, the values of its rows.
        leaves: By group, the tasks below it.
    """
    results = content.get("results")
    if not isinstance(results, dict):
        return
    sizes = {task: len(next(iter(by_metric.values()), ())) for task, by_metric in values.items()}
    before = {
        name: {"sample_len": sizes.get(name), **metrics} for name, metrics in results.items() if isinstance(metrics, dict)
    }
    for task, by_metric in values.items():
        if isinstance(results.get(task), dict):
            _update_task(results[task], by_metric)
    for group, tasks in leaves.items():
        judged = [task for task in tasks if task in values]
        keys = {key for task in judged for key in values[task]}
        for entries in (results, content.get("groups")):
            metrics = entries.get(group) if isinstance(entries, dict) else None
            if isinstance(metrics, dict):
                for key in sorted(keys & metrics.keys()):
                    _update_group(metrics, key, tasks, before, results)


def _update_task(metrics: dict[str, Any], by_metric: Values) -> None:
    for key, values in by_metric.items():
        if key not in metrics or not values:
            continue
        metrics[key] = sum(values) / len(values)
        error = _error_key(key)
        if _is_number(metrics.get(error)) and len(values) > 1:
            variance = sum([(value - metrics[key]) ** 2 for value in values]) / (len(values) - 1)
            metrics[error] = math.sqrt(variance) / math.sqrt(len(values))


def _update_group(
    metrics: dict[str, Any], key: str, tasks: Sequence[str], before: Mapping[str, Any], now: Mapping[str, Any]
) -> None:
    """Replace an average over tasks. Whether tasks count by size is seen from the old numbers; what they do not explain is removed."""
    members = [task for task in tasks if _is_number(before.get(task, {}).get(key))]
    sizes = [before[task].get("sample_len") for task in members]
    error = _error_key(key)
    if members and all(_is_number(size) and size > 0 for size in sizes):
        for weights in (sizes, [1] * len(members)):
            old = _mean([before[task][key] for task in members], weights)
            if _is_number(metrics[key]) and abs(old - metrics[key]) <= _CLOSE:
                metrics[key] = _mean([now[task][key] for task in members], weights)
                if _is_number(metrics.get(error)):
                    errors = [now[task].get(error) for task in members]
                    metrics[error] = _pooled(errors, sizes) if weights is sizes else _unweighted(errors)
                return
    metrics.pop(key)
    metrics.pop(error, None)


def _mean(values: Iterable[float], weights: Sequence[float]) -> float:
    return sum([value * weight for value, weight in zip(values, weights, strict=True)]) / sum(weights)


def _pooled(errors: Sequence[Any], sizes: Sequence[Any]) -> Any:
    """Return the standard error of the mean over all rows from those of the tasks (pooled variance), as lm_eval does it."""
    if not all(map(_is_number, errors)) or sum(sizes) <= len(sizes):
        return _NOT_COMPUTED
    squares = sum([(size - 1) * error**2 * size for size, error in zip(sizes, errors, strict=True)])
    return math.sqrt(squares / (sum(sizes) - len(sizes)) / sum(sizes))


def _unweighted(errors: Sequence[Any]) -> Any:
    if not all(map(_is_number, errors)):
        return _NOT_COMPUTED
    return math.sqrt(sum([error**2 for error in errors])) / len(errors)


def _error_key(key: str) -> str:
    metric, _, filter_name = key.partition(",")
    return f"{metric}_stderr,{filter_name}"


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
