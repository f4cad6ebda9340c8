"""How far the rules and each judge agree on which answers are right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from lm_eval_illusion.analysis.arrays import cluster_indices, rate
from lm_eval_illusion.analysis.records import JudgeAgreement, Rate
from lm_eval_illusion.analysis.statistics.kappa import cohens_kappa, kappa_interval
from lm_eval_illusion.results.judge_files import DIFFERENT, EMPTY, OUTDATED, SAME, UNCLEAR, Judge
from lm_eval_illusion.results.outcomes import Outcome

RIGHT_BY_JUDGE = {SAME: True, DIFFERENT: False, EMPTY: False}
"""The verdicts that say whether an answer is right. An empty answer is not, and the judge is not asked about it."""


def judges_of(outcomes: Iterable[Outcome]) -> list[Judge]:
    """Return the judges that have verdicts on these outcomes, sorted."""
    return sorted({judge for outcome in outcomes for judge in outcome.verdicts})


def agreements(outcomes: Sequence[Outcome]) -> list[JudgeAgreement]:
    """Return the agreement of the rules with each judge on these outcomes; none without verdicts."""
    return [_agreement(judge, outcomes) for judge in judges_of(outcomes)]


def disagreement(outcome: Outcome, judge: Judge) -> str | None:
    """Return "judge_only" or "rules_only" if one of the two alone says that an answer is right; None otherwise."""
    right = RIGHT_BY_JUDGE.get(outcome.verdicts.get(judge, ""))
    if right is None or right == outcome.produced:
        return None
    return "judge_only" if right else "rules_only"


def _agreement(judge: Judge, outcomes: Sequence[Outcome]) -> JudgeAgreement:
    import numpy as np

    counts = Counter(outcome.verdicts.get(judge) for outcome in outcomes)
    judged = [outcome for outcome in outcomes if outcome.verdicts.get(judge) in RIGHT_BY_JUDGE]
    by_judge = np.array([RIGHT_BY_JUDGE[outcome.verdicts[judge]] for outcome in judged], dtype=bool)
    by_rules = np.array([outcome.produced for outcome in judged], dtype=bool)
    clusters = cluster_indices([outcome.id for outcome in judged])
    return JudgeAgreement(
        judge=judge.model,
        prompt_version=judge.prompt_version,
        judged=len(judged),
        empty=counts[EMPTY],
        unclear=counts[UNCLEAR],
        outdated=counts[OUTDATED],
        unjudged=counts[None],
        both=int((by_rules & by_judge).sum()),
        rules_only=int((by_rules & ~by_judge).sum()),
        judge_only=int((~by_rules & by_judge).sum()),
        neither=int((~by_rules & ~by_judge).sum()),
        production=rate(by_judge, clusters),
        production_by_rules=rate(by_rules, clusters),
        agreement=rate(by_rules == by_judge, clusters),
        kappa=Rate(cohens_kappa(by_rules, by_judge), kappa_interval(by_rules, by_judge, clusters)),
    )
