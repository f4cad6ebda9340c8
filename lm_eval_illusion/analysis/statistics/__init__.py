"""Intervals and tests. Rows that share an item id are one cluster: the parallel items of several languages are not independent.

Pure functions over numbers and numpy arrays; what is undefined is None, never 0; all intervals are 95 %. A module an idea: rates
(proportions), the same items asked twice (paired), intervals of what has no formula (bootstrap).
"""

from lm_eval_illusion.analysis.statistics.bootstrap import bootstrap_interval, bootstrap_intervals
from lm_eval_illusion.analysis.statistics.clusters import cluster_sums
from lm_eval_illusion.analysis.statistics.paired import clustered_mcnemar_p, holm, mcnemar_p, smallest_effect
from lm_eval_illusion.analysis.statistics.proportions import clustered_wilson_interval, wilson_interval

__all__ = [
    "bootstrap_interval",
    "bootstrap_intervals",
    "cluster_sums",
    "clustered_mcnemar_p",
    "clustered_wilson_interval",
    "holm",
    "mcnemar_p",
    "smallest_effect",
    "wilson_interval",
]
