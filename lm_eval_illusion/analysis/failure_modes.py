"""How production fails: the share of the items that fail in each mode."""

from __future__ import annotations

from collections.abc import Sequence

from lm_eval_illusion.analysis.arrays import cluster_indices, rate
from lm_eval_illusion.analysis.records import FailureRate
from lm_eval_illusion.failures import FAILURE_MODES
from lm_eval_illusion.results.outcomes import Outcome


def failure_rates(outcomes: Sequence[Outcome]) -> dict[str, FailureRate]:
    """Return the rate of every failure mode over all items. The counts sum up to the items that are not produced.

    Empty if an item that is not produced has no mode, as in paired tasks of lm_eval.
    """
    import numpy as np

    if any(outcome.failure_mode is None and not outcome.produced for outcome in outcomes):
        return {}
    clusters = cluster_indices([outcome.id for outcome in outcomes])
    modes = np.array([outcome.failure_mode or "" for outcome in outcomes])
    rates = {}
    for mode in FAILURE_MODES:
        hits = modes == mode
        found = rate(hits, clusters)
        rates[mode] = FailureRate(int(hits.sum()), found.value, found.ci)
    return rates
