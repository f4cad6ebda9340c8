"""The columns that show which rule decides: production by exact match, by the rules and by a judge, and how often each rule decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lm_eval_illusion.analysis.match_rules import mentions_not_affirmed
from lm_eval_illusion.analysis.records import Rate, Row
from lm_eval_illusion.matching.rule_names import RULES, rule_name
from lm_eval_illusion.report.column_formats import COUNT, SHARE_BRIEF, WORD
from lm_eval_illusion.report.columns import Column

WHERE_THE_RULE_DECIDES = (
    "Exact counts the answers that are the gold answer or an alias and nothing else. Rules add is production minus exact, in points: what"
    " the matching rules find beyond that, such as the answer in a sentence, inflected, or as a number. Where languages differ in it, a"
    " comparison of their production depends on the rules: read such answers in the item browser."
)
LEAST_JUDGED = 0.95
"""The share of the items that must have a verdict where production by a judge stands beside production of all items."""


def judge_production(row: Row) -> Rate | None:
    """Return the share of the judged items that are right by the judge, to stand beside production.

    None without a judge; with several, which are not mixed; and where items lack a verdict, because the share would be one of other
    items than production: the table of rules and judge compares both over the same items.
    """
    if len(row.judges) != 1 or row.judges[0].judged < LEAST_JUDGED * row.n:
        return None
    return row.judges[0].production


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
    "share of the judged items that are right by the judge, a second opinion that replaces no verdict; a dash where it judged fewer than"
    " 95 % of the items: see the table of rules and judge",
    judge_production,
    SHARE_BRIEF,
)
AT_PRODUCTION = (EXACT, BEYOND_EXACT, JUDGE_PRODUCTION)
"""What the table of languages shows beside production."""


def counts_text(counts: Mapping[str, int]) -> str:
    """Return rules with how many items each decided: "equal 12, other name 3"; "" for none."""
    return ", ".join(f"{rule_name(rule)} {number:,}" for rule, number in counts.items())


def meanings_of_rules(rows: Iterable[Row]) -> list[tuple[str, str]]:
    """Return the rules that decided in these rows, as people read them, each with its meaning. One of a newer version has none."""
    decided = {rule for row in rows if row.match_rules for rule in (*row.match_rules.found, *_objections(row))}
    return [(rule_name(rule), meaning) for rule, meaning in RULES.items() if rule in decided]


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
