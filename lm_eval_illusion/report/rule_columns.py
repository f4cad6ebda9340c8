"""The columns that show which rule decides: production by exact match, by the rules and by a judge, and how often each rule decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lm_eval_illusion.analysis.match_rules import mentions_not_affirmed
from lm_eval_illusion.analysis.records import Rate, Row
from lm_eval_illusion.report.column_formats import COUNT, SHARE_BRIEF, WORD
from lm_eval_illusion.report.columns import Column

WHERE_THE_RULE_DECIDES = (
    "exact: the answer is the gold answer or an alias and nothing else. rules add: production minus exact, in points, what the matching"
    " rules find beyond that: the answer in a sentence, inflected, as a number. Where languages differ in it, a comparison of their"
    " production depends on the rules: read such answers in the item browser."
)


def judge_production(row: Row) -> Rate | None:
    """Return the share of the judged items that are right by the judge; None without a judge, or with several, which are not mixed."""
    judges: Sequence[Any] = getattr(row, "judges", ())
    production: Rate | None = judges[0].production if len(judges) == 1 else None
    return production


EXACT = Column[Row](
    "exact_match",
    "exact",
    "share of items whose greedy open answer equals the answer or an alias, and says nothing else",
    lambda row: row.exact_match,
    SHARE_BRIEF,
)
BEYOND_EXACT = Column[Row](
    "beyond_exact",
    "rules add",
    "production minus exact, in points: the items that only the matching rules find. Where languages differ in it, the rules matter",
    lambda row: row.beyond_exact,
    SHARE_BRIEF,
)
JUDGE_PRODUCTION = Column[Row](
    "judge_production",
    "judge",
    "share of the judged items that are right by the judge, a second opinion that replaces no verdict",
    judge_production,
    SHARE_BRIEF,
)
AT_PRODUCTION = (EXACT, BEYOND_EXACT, JUDGE_PRODUCTION)
"""What the table of languages shows beside production."""


def counts_text(counts: Mapping[str, int]) -> str:
    """Return rules with how many items each decided: "equal 12, other name 3"; "" for none."""
    return ", ".join(f"{rule_name(rule)} {number:,}" for rule, number in counts.items())


def rule_name(rule: str) -> str:
    """Return a rule as people read it."""
    return rule.replace("_", " ")


def _found(row: Row) -> str:
    return counts_text(row.match_rules.found) if row.match_rules else ""


def _objections(row: Row) -> dict[str, int]:
    return mentions_not_affirmed(row.match_rules) if row.match_rules else {}


RULE_COLUMNS: tuple[Column[Row], ...] = (
    Column("n", "n", "number of items", lambda row: row.n, COUNT),
    Column(
        "production",
        "production",
        "share of items whose greedy open answer matches the answer or an alias, by the matching rules",
        lambda row: row.production_accuracy,
        SHARE_BRIEF,
    ),
    *AT_PRODUCTION,
    Column("found_by", "found by", "the rules that found the produced answers, with their numbers of items", _found, WORD),
    Column(
        "not_affirmed",
        "mentioned, not affirmed",
        "number of items whose answer mentions the gold answer and does not affirm it, so that it is not produced",
        lambda row: sum(_objections(row).values()) if row.match_rules else None,
        COUNT,
    ),
    Column("objections", "why not", "what speaks against these mentions", lambda row: counts_text(_objections(row)), WORD),
)
"""Which rule decides, over all languages or in one."""


def with_rules(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that tell which rules decided."""
    return [row for row in rows if row.match_rules]


def shows_exact(rows: Sequence[Row]) -> bool:
    """Return whether a row has production by exact match."""
    return any(row.exact_match.value is not None for row in rows)
