"""The gate: conditions that hold fail, others pass, and a condition that checks nothing is an error."""

from __future__ import annotations

import pytest

from lm_eval_illusion.analysis.crosstab import tabulate
from lm_eval_illusion.analysis.gate import failures, read_condition
from lm_eval_illusion.errors import UserError
from tests.outcome_examples import DENSE, outcomes

MADE = [
    *outcomes("b" * 10, variant=DENSE),
    *outcomes("b" * 10, variant=DENSE, language="fi"),
    *outcomes("rr" + "b" * 8),  # en: 2 of 10
    *outcomes("r" * 6 + "b" * 4, language="fi"),  # fi: 6 of 10; all: 8 of 20
]
REPORT = tabulate(MADE)


def failing(*texts):
    return failures([read_condition(text) for text in texts], REPORT)


@pytest.mark.parametrize(
    ("condition", "fails"),
    [
        ("recognition_only_rate > 0.05 at wanda-0.6", True),
        ("recognition_only_rate > 0.4 at wanda-0.6", False),
        ("recognition_only_rate >= 0.4 at wanda-0.6", True),
        ("recognition_only_rate > 39 % at wanda-0.6", True),
        ("recognition_only_rate>0.5 in fi", True),
        ("recognition_only_rate > 0.5 at wanda-0.6 of tiny in en", False),
        ("recognition_only_rate.low > 0.4 in all", False),
        ("recognition_only_rate.high > 0.4", True),
        ("recognition_only_rate > 0 at dense", False),
        ("vs_dense.induced_rate > 0.3", True),
        ("vs_dense.production_change < -0.3", True),
        ("vs_dense.lost > 0", False),
        ("cells.recognition_only > 7", True),
        ("production_accuracy < .7", True),
    ],
)
def test_conditions(condition, fails):
    assert bool(failing(condition)) is fails


def test_the_reason_names_value_variant_and_condition():
    (line,) = failing("recognition_only_rate > 0.05 at wanda-0.6")
    assert line.startswith("recognition_only_rate is 0.4 at wanda-0.6 of tiny in mqa_illusion, language all")
    assert "'recognition_only_rate > 0.05 at wanda-0.6'" in line


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("recognition_only_rate", "can't be read"),
        ("recognition_only_rate > many", "can't be read"),
        ("recognition_only_rate > 0.05 at wanda-0.7", "names no row .*variant: dense, wanda-0.6"),
        ("recognition_only_rate > 0.05 in sv", "names no row .*language: all, en, fi"),
        ("recognition_rate > 0.05", "is not in the report: there are base_model"),
        ("vs_dense.induced > 0.05", "is not in the report: there are n, known"),
        ("vs_dense.induced_rate > 0.05 at dense", "is undefined at dense"),
        ("gold_rank.median > 3", "is undefined at wanda-0.6"),
        ("variant > 1", "is no number"),
        ("recognition_only_rate.middle > 0", "is not in the report"),
    ],
)
def test_a_condition_that_checks_nothing_is_an_error(condition, message):
    with pytest.raises(UserError, match=message):
        failing(condition)
