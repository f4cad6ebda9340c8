"""Comparison with the dense model, item by item: counted by hand and by brute force."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from lm_eval_illusion.analysis.crosstab import tabulate
from lm_eval_illusion.analysis.dense_comparison import transition_of, versus_dense
from lm_eval_illusion.analysis.records import LogprobDrop, Rate, SmallestEffect
from tests.outcome_examples import DENSE, WANDA, outcome, outcomes

#         retained, induced, lost, regained, still neither, known but not recognised before: retained
BEFORE = "bbbbbbnnp"
AFTER = "brrnnpbnb"


def test_transitions_by_hand():
    versus = versus_dense(outcomes(BEFORE, variant=DENSE), outcomes(AFTER))
    # known: the six b and the p; of them b, p and b are still produced, two r induced, two n lost
    assert (versus.n, versus.known) == (9, 7)
    assert (versus.retained, versus.induced_recognition_only, versus.lost) == (3, 2, 2)
    assert versus.induced_rate.value == pytest.approx(2 / 7)
    # produced before 7, after b p b b = 4: dense only r r n n = 4, pruned only the seventh
    assert versus.mcnemar_production.dense_only == 4
    assert versus.mcnemar_production.pruned_only == 1
    # exact: 2 P(X <= 1), X binomial of 5 at a half = 2 (1 + 5) / 32
    assert versus.mcnemar_production.p == pytest.approx(2 * binom.cdf(1, 5, 0.5)) == pytest.approx(12 / 32)
    assert versus.production_change.value == pytest.approx(-3 / 9)
    # recognised before 6, after b r r b b = 5
    assert versus.recognition_change.value == pytest.approx(-1 / 9)
    assert versus.gap_change.value == pytest.approx(2 / 9)


def test_ranks_and_log_probabilities_of_the_known_items():
    before = [outcome(str(n), "both", variant=DENSE, gold_rank=1, gold_logprob=-1.0) for n in range(3)]
    before += [outcome("3", "neither", variant=DENSE, gold_rank=50, gold_logprob=-9.0)]
    after = [outcome(str(n), "neither", gold_rank=rank, gold_logprob=-1.0 - rank) for n, rank in enumerate((2, 4, 120))]
    after += [outcome("3", "neither", gold_rank=70, gold_logprob=-20.0)]
    versus = versus_dense(before, after)
    assert versus.gold_rank.dense.histogram == {"1": 3, "2": 0, "3-5": 0, "6-10": 0, "11-100": 0, ">100": 0}
    assert versus.gold_rank.pruned.histogram == {"1": 0, "2": 1, "3-5": 1, "6-10": 0, "11-100": 0, ">100": 1}
    assert versus.gold_rank.pruned.median == 4
    assert (versus.logprob_drop.n, versus.logprob_drop.median) == (3, 4)
    assert versus.logprob_drop.mean.value == pytest.approx(126 / 3)


def test_only_items_of_both_models_are_compared():
    assert versus_dense(outcomes("bb", variant=DENSE), outcomes("rrrr")).n == 2
    assert versus_dense([], outcomes("rr")) is None
    assert versus_dense(outcomes("b", variant=DENSE, language="fi"), outcomes("b")) is None


def test_undefined_values_are_none():
    versus = versus_dense(outcomes("nn", variant=DENSE), outcomes("nn"))
    assert versus.induced_rate == Rate(None, None)
    assert versus.mcnemar_production.p is None
    assert versus.logprob_drop == LogprobDrop(0, None, Rate(None, None))
    assert versus.smallest_effect == SmallestEffect(None, None)


def test_holm_over_the_languages_by_hand():
    # p of n dense-only pairs, exact: 2 / 2^n: 1/32 (6), 1/4 (3), 1 (1). Holm: 3/32, then max(2/4, 3/32), then max(1, .)
    examples = []
    for language, lost in (("en", 6), ("fi", 3), ("zh", 1)):
        examples += outcomes("b" * 8, variant=DENSE, language=language)
        examples += outcomes("r" * lost + "b" * (8 - lost), language=language)
    rows = {row.language: row for row in tabulate(examples).rows if row.variant == "wanda-0.6"}
    corrected = [rows[lang].vs_dense.mcnemar_production.p_holm for lang in ("en", "fi", "zh")]
    assert corrected == pytest.approx([3 / 32, 1 / 2, 1])
    assert rows["all"].vs_dense.mcnemar_production.p_holm is None


def test_variants_of_other_base_models_are_not_compared():
    other = [outcome("0", "both", variant=replace(DENSE, base_model="big"))]
    rows = tabulate([*other, *outcomes("r")]).rows
    assert all(row.vs_dense is None for row in rows)


letters = st.sampled_from("brpn")


@given(st.lists(st.tuples(letters, letters), min_size=1, max_size=40))
def test_every_count_by_brute_force(pairs):
    before = outcomes("".join(old for old, _ in pairs), variant=DENSE)
    after = outcomes("".join(new for _, new in pairs), variant=WANDA)
    versus = versus_dense(before, after)
    transitions = [transition_of(dense, pruned) for dense, pruned in zip(before, after, strict=True)]
    assert versus.known == sum(old in "bp" for old, _ in pairs) == len(transitions) - transitions.count("not known")
    assert versus.retained == transitions.count("retained")
    assert versus.induced_recognition_only == sum(old in "bp" and new == "r" for old, new in pairs)
    assert versus.lost == sum(old in "bp" and new == "n" for old, new in pairs)
    tested = versus.mcnemar_recognition
    assert tested.dense_only == sum(old in "br" and new in "pn" for old, new in pairs)
    assert tested.pruned_only == sum(old in "pn" and new in "br" for old, new in pairs)
    assert versus_dense(before[::-1], after[::-1]) == versus
