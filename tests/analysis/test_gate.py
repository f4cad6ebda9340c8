"""The gate: conditions that hold fail, others pass, and a condition that checks nothing is an error."""

from __future__ import annotations

import math
import re
from array import array
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.analysis.crosstab import tabulate
from lm_eval_illusion.analysis.gate import failures, quoted, read_condition
from lm_eval_illusion.analysis.records import Validity, row_json
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.results.next_tokens import NextTokens
from tests.outcome_examples import DENSE, WANDA, outcome, outcomes

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


SAME = NextTokens(array("i", [0, 1, 2]), array("f", [math.log(1 / 2), math.log(1 / 4), math.log(1 / 4)]))
CHANGED = NextTokens(array("i", [2, 0, 1]), array("f", [math.log(1 / 2), math.log(1 / 4), math.log(1 / 4)]))


@pytest.mark.parametrize(
    ("condition", "fails"),
    [
        # 1/4 log 2 = 0.1733 for two of three items: 0.1155.
        ("vs_dense.kl > 0.1", True),
        ("vs_dense.kl > 0.12", False),
        ("vs_dense.kl > 5", False),  # nats have no largest value
        ("vs_dense.kl.high > 0.12 at wanda-0.6 in en", True),
        ("vs_dense.kl.low > 0.1", False),
        ("vs_dense.top1_agreement < 50 %", True),
        ("vs_dense.kl_by_transition.retained > 0.2", False),
    ],
)
def test_the_divergence_from_the_dense_model(condition, fails):
    made = [outcome(str(n), "both", variant=DENSE, next_tokens=SAME) for n in range(3)]
    made += [outcome(str(n), "both", next_tokens=SAME if n == 0 else CHANGED) for n in range(3)]
    assert bool(failures([read_condition(condition)], tabulate(made))) is fails


def test_an_unknown_divergence_is_an_error():
    with pytest.raises(UserError, match=r"vs_dense\.kl is undefined at wanda-0\.6"):
        failing("vs_dense.kl > 0.1")


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
        # Before, the message ended in "there are".
        ("failure.repetition > 0.2", "failure.repetition is undefined at wanda-0.6"),
        ("variant > 1", "is no number"),
        ("recognition_only_rate.middle > 0", "is not in the report"),
        # The records of judges are a list, and a number has nothing below it.
        ("judges.kappa < 0.8", "judges.kappa is not in the report: kappa is below a value that has no names"),
        ("n.low > 0", "n.low is not in the report: low is below a value that has no names"),
    ],
)
def test_a_condition_that_checks_nothing_is_an_error(condition, message):
    with pytest.raises(UserError, match=message):
        failing(condition)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        # Meant are 5 %: a share is at most 1, and a change at least -1.
        ("recognition_only_rate > 5", "recognition_only_rate is from 0 to 1: write 5 %"),
        ("recognition_only_rate.high >= 1.5", "is from 0 to 1: write 1.5 %"),
        ("vs_dense.production_change < -5", "vs_dense.production_change is from -1 to 1: write -5 %"),
        ("vs_dense.gap_change > 2", "is from -2 to 2: write 2 %"),
        ("recognition_only_rate > 1", "is from 0 to 1: give a bound that a number from 0 to 1 can pass"),
        ("recognition_only_rate > 100 %", "is from 0 to 1: give a bound"),
        ("production_accuracy < 0", "is from 0 to 1: give a bound"),
        ("vs_dense.mcnemar_production.p <= -1", "is from 0 to 1: give a bound"),
        ("cells.both < 0", "cells.both is 0 or more: give a bound that a number 0 or more can pass"),
        ("n < 0", "n is 0 or more"),
    ],
)
def test_a_bound_that_no_value_can_pass_is_an_error(condition, message):
    with pytest.raises(UserError, match="can never fail, because ") as error:
        failing(condition)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "condition",
    ["recognition_only_rate >= 1", "production_accuracy <= 0", "vs_dense.gap_change < -1.5", "n > 1000000", "cells.both > 5"],
)
def test_a_bound_at_the_end_of_the_range_can_be_passed(condition):
    failing(condition)


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_bound_beyond_the_numbers_is_an_error(sign):
    with pytest.raises(UserError, match="has a bound that is too large, so it can never fail"):
        read_condition(f"n > {sign}{'9' * 400}")


@pytest.mark.parametrize("bound", ["\u0660", "\uff15", "0.\u0665", "\u00b2"])
def test_a_bound_has_digits_of_ascii(bound):
    with pytest.raises(UserError, match="can't be read"):
        read_condition(f"n > {bound}")


def test_every_number_of_a_report_is_in_its_range():
    def numbers(path, value):
        if isinstance(value, dict):
            for name, part in value.items():
                yield from numbers([*path, name], part)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield ".".join(path), value

    dense = outcomes("bbbb", variant=DENSE, gold_rank=40, gold_logprob=-40.0)
    report = tabulate([*dense, *outcomes("brnb", gold_rank=300, gold_logprob=-1.5)])
    row = next(row for row in report.rows if row.variant == "wanda-0.6" and row.language == "all")
    found = dict(numbers([], row_json(row)))
    assert {"vs_dense.logprob_drop.mean.value", "gold_rank.p90", "vs_dense.gold_rank.pruned.median"} <= found.keys()
    for path, value in found.items():
        if "e" not in f"{value}" and re.fullmatch(r"[\w.]+", path):
            assert failures([read_condition(f"{path} >= {value}"), read_condition(f"{path} <= {value}")], report), path


def named(variant, base_model="tiny"):
    """Return a report of the dense model, where nothing is only recognised, and one variant, where everything is."""
    dense = replace(DENSE, base_model=base_model)
    pruned = replace(WANDA, variant=variant, base_model=base_model)
    return tabulate([*outcomes("bb", variant=dense), *outcomes("rr", variant=pruned)])


@pytest.mark.parametrize(
    ("condition", "variant", "base_model"),
    [
        ("at 'my recipe-0.5'", "my recipe-0.5", "tiny"),
        ('at "my recipe-0.5" in all', "my recipe-0.5", "tiny"),
        ("at 'a b' of 'my model' in all", "a b", "my model"),
        ('at wanda-0.6 of "/models/my model"', "wanda-0.6", "/models/my model"),
        # The words of the grammar may be names, or parts of them.
        ("at 'x of y in z'", "x of y in z", "tiny"),
        ("at of of in", "of", "in"),
        ("at it's", "it's", "tiny"),
        ("""at "it's" """, "it's", "tiny"),
        ("at 'it''s a \"b\"'", 'it\'s a "b"', "tiny"),
        ('at "a ""b"""', 'a "b"', "tiny"),
    ],
)
def test_a_name_with_blanks_or_quotes_stands_in_quotes(condition, variant, base_model):
    assert failures([read_condition(f"recognition_only_rate > 0.5 {condition}")], named(variant, base_model))
    with pytest.raises(UserError, match="names no row"):
        failures([read_condition(f"recognition_only_rate > 0.5 {condition}")], named("wanda-0.7", base_model))


@pytest.mark.parametrize("condition", ["at 'a b", "at a b", 'at "a" b', "at 'a'b'", "at ''x"])
def test_a_name_with_a_missing_quote_can_not_be_read(condition):
    with pytest.raises(UserError, match=r"can't be read.*a name with blanks in quotes"):
        read_condition(f"recognition_only_rate > 0.5 {condition}")


@given(st.text(min_size=1), st.text(min_size=1))
def test_every_name_can_be_stated(variant, base_model):
    condition = read_condition(f"n > 1 at {quoted(variant)} of {quoted(base_model)} in {quoted('fi')}")
    assert (condition.variant, condition.base_model, condition.language) == (variant, base_model, "fi")


def test_the_variants_of_an_error_can_be_pasted():
    with pytest.raises(UserError) as caught:
        failures([read_condition("n > 1 at x")], named("a b", "it's a model"))
    assert str(caught.value).endswith("there are variant: 'a b', dense; base_model: \"it's a model\"; language: all, en")


def test_without_a_name_every_variant_but_the_dense_model_is_meant():
    # The dense model is that with the pruner none, whatever the variants are called.
    dense, pruned = replace(DENSE, variant="w4a16"), replace(WANDA, variant="dense")
    report = tabulate([*outcomes("bb", variant=dense), *outcomes("rr", variant=pruned)])
    (line,) = failures([read_condition("recognition_only_rate >= 0")], report)
    assert " at dense of tiny" in line


def test_the_validity_verdict_is_a_truth_value_of_0_or_1():
    def verdict(ok, condition="validity.ok < 1"):
        rows = [msgspec.structs.replace(row, validity=Validity(ok, [])) for row in REPORT.rows]
        return failures([read_condition(condition)], msgspec.structs.replace(REPORT, rows=rows))

    assert verdict(True) == []
    (line,) = verdict(False)
    assert line.startswith("validity.ok is 0 at wanda-0.6 of tiny in mqa_illusion, language all: fails 'validity.ok < 1'")
    assert len(verdict(False, "validity.ok < 1 at dense in fi")) == 1
    assert verdict(True, "validity.ok > 0") != []
    # Without a dense run it is undefined, as other numbers are.
    with pytest.raises(UserError, match=r"validity\.ok is undefined at wanda-0\.6 of tiny"):
        verdict(None)
    for condition in ("validity.ok < 0", "validity.ok > 1"):
        with pytest.raises(UserError, match=r"can never fail, because validity\.ok is from 0 to 1"):
            verdict(True, condition)
    with pytest.raises(UserError, match="is no number"):
        verdict(True, "validity.reasons > 0")


def test_the_validity_of_a_dense_model_alone_can_be_tested():
    dense = {entry.variant for entry in REPORT.variants if entry.pruner == "none"}
    rows = [
        msgspec.structs.replace(row, validity=Validity(False, ["at the floor"])) for row in REPORT.rows if row.variant in dense
    ]
    alone = msgspec.structs.replace(REPORT, rows=rows)
    (line,) = failures([read_condition("validity.ok < 1")], alone)
    assert line.startswith("validity.ok is 0 at dense of tiny")
    with pytest.raises(UserError, match="names no row"):
        failures([read_condition("recognition_only_rate > 0.05")], alone)
