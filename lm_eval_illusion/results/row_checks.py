"""Checks of what the metrics in the rows of our views can be. lm_eval and `SampleRow` only say that they are numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.messages import shown
from lm_eval_illusion.results.runs import TaskFile
from lm_eval_illusion.results.sample_file import SampleRow

HIGHEST_RANK = 100_000_000
"""A gold rank is at most the size of a vocabulary. The largest ones have less than a million tokens."""
ROUNDING = 1e-3
"""How far the rounded sum of log-probabilities may exceed 0."""
_REMEDY = "the row is damaged or of another task, run it again"


def check_row(row: SampleRow, truths: Sequence[str], location: str) -> None:
    """Check the metrics of one row.

    `truths`: the metrics that are 0 or 1. `gold_rank` is from 1, in steps of 0.5 because tied tokens share the mean of their ranks; it
    may be NaN or infinite, of a collapsed model. `gold_logprob` is at most 0, or NaN. `in_passage` is a probability, `truncated` and
    `exact_match` are 0 or 1.
    `location`: file and line.

    Raises:
        UserError: A metric has another value, or the item has no id.
    """
    metrics = row.metrics
    for name in truths:
        if metrics[name] not in (0, 1):
            raise UserError(f"{location}: {name} is {shown(metrics[name])}, not 0 or 1: {_REMEDY}")
    rank = metrics.get("gold_rank")
    if rank is not None and not (1 <= rank <= HIGHEST_RANK and (2 * rank) % 1 == 0) and not _is_of_collapsed_model(rank):
        raise UserError(f"{location}: gold_rank is {shown(rank)}, not a rank, which is 1, 1.5, 2, ...: {_REMEDY}")
    logprob = metrics.get("gold_logprob")
    if logprob is not None and logprob > ROUNDING:
        raise UserError(f"{location}: gold_logprob is {shown(logprob)}, not a log-likelihood, which is at most 0: {_REMEDY}")
    share = metrics.get("in_passage")
    if share is not None and not 0 <= share <= 1:
        raise UserError(f"{location}: in_passage is {shown(share)}, not a number from 0 to 1: {_REMEDY}")
    for name in ("truncated", "exact_match"):
        value = metrics.get(name)
        if value is not None and value not in (0, 1):
            raise UserError(f"{location}: {name} is {shown(value)}, not 0 or 1: {_REMEDY}")
    if not row.id:
        raise UserError(f"{location}: the id of the document is empty: {_REMEDY}")


def _is_of_collapsed_model(rank: float) -> bool:
    return math.isnan(rank) or rank == math.inf


def check_means(file: TaskFile, sums: Mapping[str, float], count: int, filter_name: str) -> None:
    """Check that metrics of the rows have the mean that the run states for the whole task, where it states one.

    `sums`: the sum of each metric over `count` rows.

    Raises:
        UserError: A mean differs: the rows or the results file were changed, or are of different runs.
    """
    for name, total in sums.items():
        stated = file.means.get(f"{name},{filter_name}")
        if stated is not None and count and abs(total / count - stated) > 1e-6:
            raise UserError(
                f"{file.samples_file}: the mean of {name} over the rows is {total / count:.6g}, but {file.results_file.name} states"
                f" {stated:.6g}: one of the files was changed or is of another run, run it again"
            )
