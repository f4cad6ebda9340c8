"""Intervals and tests for clustered rows. Rows with the same item id are one cluster: an item in several languages is not independent.

Pure functions over numbers and numpy arrays. An undefined result is None, never 0; all intervals are 95 %.

proportions  intervals of rates
paired       tests of two answers to the same items
bootstrap    intervals of values for which there is no formula
clusters     sums and variance over clusters
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
