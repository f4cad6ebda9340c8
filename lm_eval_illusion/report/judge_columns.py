"""The columns of the rules against a judge: which share of the answers each of them calls right, and how far they agree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lm_eval_illusion.analysis.records import JudgeAgreement, Row, Validity
from lm_eval_illusion.report.column_formats import COUNT, DECIMAL_RATE, SHARE_BRIEF, WORD
from lm_eval_illusion.report.columns import VALIDITY, Column
from lm_eval_illusion.results.judge_files import Judge


@dataclass(frozen=True)
class JudgedRow:
    """A row of the report with one of its judges."""

    row: Row
    agreement: JudgeAgreement

    @property
    def base_model(self) -> str:
        """The base model of the row."""
        return self.row.base_model

    @property
    def family(self) -> str:
        """The task family of the row."""
        return self.row.family

    @property
    def variant(self) -> str:
        """The variant of the row."""
        return self.row.variant

    @property
    def language(self) -> str:
        """The language of the row."""
        return self.row.language

    @property
    def validity(self) -> Validity:
        """The verdict on the open view of the row's dense model."""
        return self.row.validity

    @property
    def judge(self) -> str:
        """The name of the judge."""
        return Judge(self.agreement.judge, self.agreement.prompt_version).name


def judged_rows(rows: Iterable[Row]) -> list[JudgedRow]:
    """Return a row for each judge of each row; none for rows without one."""
    return [JudgedRow(row, agreement) for row in rows for agreement in row.judges]


JUDGE: Column[JudgedRow] = Column("judge", "judge", "the model that judged, and its prompt", lambda row: row.judge, WORD)

JUDGE_COLUMNS: tuple[Column[JudgedRow], ...] = (
    VALIDITY,
    Column(
        "judged",
        "judged",
        "number of items that the judge called right or wrong, or whose answer is empty; all other columns but the last two are over these",
        lambda row: row.agreement.judged,
        COUNT,
    ),
    Column(
        "production_by_rules",
        "by rules",
        "production of the judged items by the rules of matching",
        lambda row: row.agreement.production_by_rules,
        SHARE_BRIEF,
    ),
    Column(
        "production_by_judge",
        "by judge",
        "production of the judged items by the judge",
        lambda row: row.agreement.production,
        SHARE_BRIEF,
    ),
    Column(
        "agreement",
        "agreement",
        "share of the judged items on which rules and judge agree",
        lambda row: row.agreement.agreement,
        SHARE_BRIEF,
    ),
    Column(
        "kappa",
        "kappa",
        "Cohen's kappa of rules and judge: 0 is agreement by chance, 1 full agreement; a dash where all are right or all are wrong",
        lambda row: row.agreement.kappa,
        DECIMAL_RATE,
    ),
    Column("both", "both", "number of items that are right by rules and judge", lambda row: row.agreement.both, COUNT),
    Column(
        "rules_only",
        "rules only",
        "number of items that are right by the rules alone",
        lambda row: row.agreement.rules_only,
        COUNT,
    ),
    Column(
        "judge_only",
        "judge only",
        "number of items that are right by the judge alone",
        lambda row: row.agreement.judge_only,
        COUNT,
    ),
    Column("neither", "neither", "number of items that are wrong by both", lambda row: row.agreement.neither, COUNT),
    Column(
        "unclear",
        "unclear",
        "number of items on which the judge's reply is no verdict",
        lambda row: row.agreement.unclear,
        COUNT,
    ),
    Column(
        "unjudged",
        "not judged",
        "number of items without a reply, or whose verdict is about another response",
        lambda row: row.agreement.unjudged + row.agreement.outdated,
        COUNT,
    ),
)
"""The rules against a judge, over all languages or in one."""
