"""Rates of the failure modes, counted by hand, and the gate on them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lm_eval_illusion.analysis.crosstab import tabulate
from lm_eval_illusion.analysis.failure_modes import failure_rates
from lm_eval_illusion.analysis.gate import failures, read_condition
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.failures import FAILURE_MODES
from tests.outcome_examples import DENSE, outcomes

MODES = [None, "repetition", "repetition", "distractor", None, "empty"]


def judged(variant=None):
    found = [replace(outcome, failure_mode=mode) for outcome, mode in zip(outcomes("brrnpn"), MODES, strict=True)]
    return [replace(outcome, variant=variant) for outcome in found] if variant else found


def test_the_rates_are_over_all_items_and_the_counts_sum_up_to_those_not_produced():
    rates = failure_rates(judged())
    assert tuple(rates) == FAILURE_MODES
    assert {mode: rate.n for mode, rate in rates.items() if rate.n} == {"empty": 1, "repetition": 2, "distractor": 1}
    assert rates["repetition"].value == pytest.approx(2 / 6)
    # Wilson, 2 of 6: (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n) = 0.0968 and 0.7000.
    assert rates["repetition"].ci == pytest.approx((0.0968, 0.7000), abs=1e-4)
    assert rates["echo"].n == 0
    assert rates["echo"].value == 0.0
    row = tabulate(judged()).rows[0]
    assert sum(rate.n for rate in row.failure_modes.values()) == row.cells.recognition_only + row.cells.neither == 4


def test_answers_that_were_not_judged_have_no_rates():
    assert failure_rates(outcomes("bn")) == {}
    # Where everything is produced, every mode has the rate 0; without items it is undefined.
    assert {rate.value for rate in failure_rates(outcomes("bp")).values()} == {0.0}
    assert {rate.value for rate in failure_rates([]).values()} == {None}


@pytest.mark.parametrize("metric", ["failure.repetition", "failure_modes.repetition", "failure_modes.repetition.value"])
def test_a_condition_on_a_failure_mode(metric):
    report = tabulate([*judged(), *judged(DENSE)])
    assert failures([read_condition(f"{metric} > 0.4 at wanda-0.6")], report) == []
    (line,) = failures([read_condition(f"{metric} > 0.2 at wanda-0.6")], report)
    assert line.startswith(f"{metric} is 0.3333 at wanda-0.6")
    (line,) = failures([read_condition("failure.repetition.n >= 2 at wanda-0.6")], report)
    assert "failure.repetition.n is 2" in line


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("failure.loop > 0.2", "failure.loop is not in the report: there are empty, repetition"),
        ("failure.repetition > 20", "can never fail.*write 20 %"),
    ],
)
def test_a_condition_that_checks_nothing_is_refused(condition, message):
    with pytest.raises(UserError, match=message):
        failures([read_condition(condition)], tabulate([*judged(), *judged(DENSE)]))
