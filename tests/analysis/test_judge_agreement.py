"""Rules and judge: counts by hand, judges apart, undefined numbers."""

from __future__ import annotations

import pytest

from lm_eval_illusion.analysis.crosstab import cross_tabulate, tabulate
from lm_eval_illusion.analysis.judge_agreement import agreements, disagreement, judges_of
from lm_eval_illusion.analysis.records import Rate
from lm_eval_illusion.results.judge_files import Judge
from tests.outcome_examples import outcome

FIRST, SECOND = Judge("a", 1), Judge("b", 1)


def judged(spec, judge=FIRST):
    """An outcome for each pair: p or n (produced by the rules), and the verdict ("-" for none)."""
    verdicts = {"s": "same", "d": "different", "u": "unclear", "e": "empty", "o": "outdated"}
    return [
        outcome(
            str(number), "both" if rule == "p" else "neither", verdicts={judge: verdicts[verdict]} if verdict != "-" else {}
        )
        for number, (rule, verdict) in enumerate(spec.split())
    ]


def test_the_counts_of_a_judge():
    # ps both, pd rules only, ns judge only, nd and ne neither; unclear, outdated and missing ones are not judged.
    (found,) = agreements(judged("ps ps ps pd ns ns nd ne pu no n- p- p-"))
    assert (found.judge, found.prompt_version) == ("a", 1)
    assert (found.both, found.rules_only, found.judge_only, found.neither) == (3, 1, 2, 2)
    assert (found.judged, found.empty, found.unclear, found.outdated, found.unjudged) == (8, 1, 1, 1, 3)
    assert found.production.value == 5 / 8
    assert found.production_by_rules.value == 4 / 8
    assert found.agreement.value == 5 / 8
    # p_e = (4*5 + 4*3) / 64 = 0.5
    assert found.kappa.value == pytest.approx((5 / 8 - 0.5) / 0.5)


def test_without_a_clear_verdict_everything_is_undefined():
    (found,) = agreements(judged("pu no"))
    assert found.judged == 0
    undefined = Rate(None, None)
    assert [found.production, found.production_by_rules, found.agreement, found.kappa] == [undefined] * 4


def test_where_all_are_right_kappa_is_undefined_and_the_rest_is_not():
    (found,) = agreements(judged("ps ps"))
    assert found.kappa == Rate(None, None)
    assert found.agreement.value == 1


def test_two_judges_are_apart():
    pairs = zip(judged("ps nd", FIRST), judged("pd ns", SECOND), strict=True)
    both = [outcome(a.id, "both" if a.produced else "neither", verdicts=a.verdicts | b.verdicts) for a, b in pairs]
    assert judges_of(both) == [FIRST, SECOND]
    assert [found.agreement.value for found in agreements(both)] == [1, 0]


@pytest.mark.parametrize(
    ("spec", "found"),
    [("ps", None), ("pd", "rules_only"), ("ns", "judge_only"), ("nd", None), ("pu", None), ("ne", None), ("p-", None)],
)
def test_a_disagreement(spec, found):
    assert disagreement(judged(spec)[0], FIRST) == found


def test_each_row_of_the_report_has_its_judges():
    outcomes = [*judged("ps nd"), outcome("x", "both", language="fi")]
    report = tabulate(outcomes)
    assert [(row.language, [judge.judged for judge in row.judges]) for row in report.rows] == [
        ("all", [2]),
        ("en", [2]),
        ("fi", []),
    ]
    assert cross_tabulate(outcomes)["rows"][2]["judges"] == []


def test_a_judge_changes_no_other_number():
    plain = [outcome(one.id, "both" if one.produced else "neither") for one in judged("ps nd pd ns")]
    with_judge, without = cross_tabulate(judged("ps nd pd ns")), cross_tabulate(plain)
    for row in (*with_judge["rows"], *without["rows"]):
        del row["judges"]
    assert with_judge == without
