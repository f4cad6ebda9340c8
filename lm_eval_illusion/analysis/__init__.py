"""The numbers of the report, from outcomes: rates with intervals, comparisons with the dense model, leaderboard, noise floor, gate.

`tabulate` computes a `Report`, the record behind report.json; `cross_tabulate` returns the same as the plain dictionary of report.json.
Everything here is a pure function over `results.outcomes.Outcome`; statistics/ holds the intervals and tests.
"""

from lm_eval_illusion.analysis.crosstab import cross_tabulate, outcome_class_of, tabulate
from lm_eval_illusion.analysis.dense_comparison import transition_of
from lm_eval_illusion.analysis.gate import failures, read_condition
from lm_eval_illusion.analysis.noise import noise_floor
from lm_eval_illusion.analysis.records import Report, read_report_json, report_json

__all__ = [
    "Report",
    "cross_tabulate",
    "failures",
    "noise_floor",
    "outcome_class_of",
    "read_condition",
    "read_report_json",
    "report_json",
    "tabulate",
    "transition_of",
]
