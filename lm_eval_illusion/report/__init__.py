"""The report as tables on the terminal, Markdown, an HTML page, CSV, Parquet and figures.

`report.command` reads runs and writes everything. Every renderer takes a `Report` (analysis.records); a column of its tables is defined
once, in columns.py, comparison_columns.py or calibration_measures.py. Recovery strategies come from the `View` records (strategies.py).
"""

from lm_eval_illusion.report.command import ReportOptions, report_command

__all__ = ["ReportOptions", "report_command"]
