"""The twin: its numbers are those of its two views on the same responses."""

from __future__ import annotations

import pytest

from lm_eval_illusion.first_line import Answer
from lm_eval_illusion.views import TWIN, form_named, form_of_task, score_twin, view_named
from tests.views.test_spec import ITEM, Scored


@pytest.mark.parametrize(
    ("scores", "answer", "expected"),
    [
        # The gold choice is the second: recognised and said, recognised only, said only, neither, a tie, a NaN.
        ([-3, -1, -2, -4], "Paris", (1, 1, 0)),
        ([-3, -1, -2, -4], "Lyon", (1, 0, 1)),
        ([-1, -3, -2, -4], "It is Paris.", (0, 1, 0)),
        ([-1, -3, -2, -4], "", (0, 0, 0)),
        ([-1, -1, -2, -4], "Lyon", (0, 0, 0)),
        ([float("nan"), -1, -2, -4], "Lyon", (0, 0, 0)),
    ],
)
def test_the_three_metrics_by_hand(scores, answer, expected):
    results = [Scored((score, False)) for score in scores]
    logged = score_twin(ITEM, [*results, Answer(answer, reached_limit=False)])
    assert tuple(logged[name] for name in ("recognised", "produced", "recognition_only")) == expected
    mc, gen = view_named("mc").score(ITEM, results), view_named("gen").score(ITEM, [answer])
    assert (logged["recognised"], logged["produced"]) == (mc["acc"], gen["match"])
    assert {name: logged[name] for name in mc if name != "acc"} == {name: mc[name] for name in mc if name != "acc"}


def test_it_logs_the_metrics_that_it_declares_and_no_more():
    logged = score_twin(ITEM, [*(Scored((-1.0 - n, False)) for n in range(4)), Answer("Paris", reached_limit=True)])
    assert set(logged.keys()) == {metric.name for metric in TWIN.metrics}
    assert set(logged) - set(logged.keys()) == {"exact_match", "match_rule", "match_version"}
    assert logged["truncated"] == 1
    # Everything that the report reads of the two views is in the rows of the twin.
    views = (TWIN.recognition, TWIN.production)
    read = {name for view in views for use in ("required", "optional") for name in view.metrics_in_report(use)}
    assert read - {"acc", "match"} <= set(logged)


def test_the_form_of_a_task():
    assert form_of_task("mqa_illusion_fi_twin") is form_named("twin") is TWIN
    assert form_of_task("mqa_illusion_fi_mc_letters") is form_named("mc_letters") is view_named("mc_letters")
    assert form_of_task("hellaswag") is form_named("no") is None
