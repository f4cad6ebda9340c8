"""Which rule decides whether an answer is produced, and what the rules find beyond answers that equal the gold answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lm_eval_illusion.analysis.arrays import OutcomeArrays, means, rate
from lm_eval_illusion.analysis.records import MatchRules, Rate
from lm_eval_illusion.results.outcomes import Outcome

NOT_SAID = "not_said"
"""The rule of an answer that does not mention the gold answer."""


def match_rules(outcomes: Sequence[Outcome]) -> MatchRules | None:
    """Return how many items each rule decided, the most frequent first; None if a row states none, as of an older version."""
    if any(outcome.match_rule is None for outcome in outcomes):
        return None
    found = Counter(outcome.match_rule for outcome in outcomes if outcome.produced)
    rejected = Counter(outcome.match_rule for outcome in outcomes if not outcome.produced)
    return MatchRules(_sorted(found), _sorted(rejected))


def exact_match_rates(outcomes: Sequence[Outcome], arrays: OutcomeArrays) -> tuple[Rate, Rate]:
    """Return the share of the items whose answer equals the gold answer or an alias, and production minus this share.

    Both are undefined if a row does not tell. `arrays`: of these outcomes.
    """
    import numpy as np

    if not outcomes or any(outcome.exact_match is None for outcome in outcomes):
        return Rate(None, None), Rate(None, None)
    exact = np.array([bool(outcome.exact_match) for outcome in outcomes])
    beyond = means({"beyond": arrays.produced * 1.0 - exact}, arrays.clusters)["beyond"]
    return rate(exact, arrays.clusters), beyond


def mentions_not_affirmed(rules: MatchRules) -> dict[str, int]:
    """Return the objections and how many answers each rejected: they mention the gold answer and are not counted as produced."""
    return {rule: number for rule, number in rules.rejected.items() if rule != NOT_SAID}


def _sorted(counts: Counter[str | None]) -> dict[str, int]:
    return {str(rule): number for rule, number in sorted(counts.items(), key=lambda entry: (-entry[1], str(entry[0])))}
