"""The columns of the failure modes: a name, a meaning and a share for each."""

from __future__ import annotations

from dataclasses import dataclass

from lm_eval_illusion.analysis.records import FailureRate, Row
from lm_eval_illusion.failures import FAILURE_MODES
from lm_eval_illusion.report.column_formats import COUNT, SHARE_BRIEF
from lm_eval_illusion.report.columns import Column


@dataclass(frozen=True)
class ShownMode:
    """How a failure mode is called in the report, and what it means."""

    mode: str
    heading: str
    meaning: str

    def rate(self, row: Row) -> FailureRate | None:
        """Return the share of the row's items that fail in this mode; None where the answers were not judged."""
        return row.failure_modes.get(self.mode)


_TEXTS = {
    "empty": ("empty", "no letter and no digit"),
    "repetition": ("repetition", "a loop: a text comes three or more times in a row"),
    "refusal": ("refusal", "says that it does not know, or will not answer"),
    "echo": ("echo", "repeats the question, or says nothing that the question does not say"),
    "other_language": ("other language", "in a script or a language that is not the item's"),
    "distractor": ("distractor", "names one of the wrong options"),
    "truncated": ("truncated", "cut at the token limit before it named an option"),
    "other_answer": ("other answer", "none of these"),
}
SHOWN_MODES = tuple(ShownMode(mode, *_TEXTS[mode]) for mode in FAILURE_MODES)
"""In the order in which the rules are tried."""

FAILURE_COLUMNS: tuple[Column[Row], ...] = (
    Column("n", "n", "number of items", lambda row: row.n, COUNT),
    Column(
        "not_produced",
        "not produced",
        "number of items that are not produced: the sum of all modes",
        lambda row: row.cells.recognition_only + row.cells.neither,
        COUNT,
    ),
    *(
        Column(shown.mode, shown.heading, f"share of all items, the answer is: {shown.meaning}", shown.rate, SHARE_BRIEF)
        for shown in SHOWN_MODES
    ),
)
"""The failure modes of a variant, over all languages or in one."""
