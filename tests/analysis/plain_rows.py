"""A row of report.json made from outcomes, for tests that look at one row."""

from __future__ import annotations

from lm_eval_illusion.analysis import crosstab
from lm_eval_illusion.analysis.records import row_json


def row_of(outcomes):
    """Return the pooled row of these outcomes as in report.json."""
    return row_json(crosstab.row_of(crosstab.RowKey("tiny", "wanda-0.6", "mqa_illusion", "all"), outcomes))
