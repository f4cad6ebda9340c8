"""The noise floor, counted by hand, and runs that can't give one."""

from __future__ import annotations

import pytest

from lm_eval_illusion.analysis.crosstab import tabulate
from lm_eval_illusion.analysis.noise import clears, noise_floor
from lm_eval_illusion.analysis.records import Rate
from lm_eval_illusion.errors import UserError
from tests.outcome_examples import DENSE, outcomes


def dense(letters, **fields):
    return outcomes(letters, variant=DENSE, **fields)


def test_flips_by_hand():
    row = noise_floor(dense("bbrn"), dense("brbp")).rows[0]
    # production: second b -> r (first only), third r -> b and fourth n -> p (second only); no flip of recognition
    assert row.production.first_only == 1
    assert row.production.second_only == 2
    assert row.production.flips.value == 3 / 4
    assert row.recognition.flips.value == 0
    # recognised minus produced: 0 0 1 0 -> 0 1 0 -1
    assert row.gap.flips.value == 3 / 4
    assert row.gap_change.value == pytest.approx(-1 / 4)


def test_languages_and_the_pooled_row():
    first = [*dense("bb"), *dense("bb", language="fi")]
    second = [*dense("bb"), *dense("rb", language="fi")]
    rows = noise_floor(first, second).rows
    assert [(row.language, row.n, row.production.flips.value) for row in rows] == [
        ("all", 4, 0.25),
        ("en", 2, 0.0),
        ("fi", 2, 0.5),
    ]


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ((-0.3, -0.11), True),  # the nearest bound, 0.11, is beyond 0.1
        ((-0.3, -0.09), False),
        ((0.2, 0.4), True),
        ((-0.3, 0.2), False),
        (None, None),
    ],
)
def test_a_change_clears_the_floor_with_its_nearest_bound(change, verdict):
    assert clears(Rate(0, change), Rate(0.05, (0.02, 0.1))) is verdict


def test_the_report_marks_changes_that_do_not_clear_the_noise_floor():
    noise = noise_floor(dense("b" * 200), dense("b" * 198 + "rr"))
    examples = [*dense("b" * 200), *outcomes("r" * 80 + "b" * 118 + "nn")]
    report = tabulate(examples, noise=noise)
    verdict = next(row for row in report.rows if row.variant == "wanda-0.6").vs_dense.clears_noise
    assert (verdict.production, verdict.recognition, verdict.gap) == (True, False, True)
    assert report.noise.rows[0].production.first_only == 2


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (dense("b"), outcomes("b"), "takes two runs of one dense model"),
        (dense("b"), dense("bb"), "have different items"),
    ],
)
def test_runs_that_give_no_noise_floor(first, second, message):
    with pytest.raises(UserError, match=message):
        noise_floor(first, second)
