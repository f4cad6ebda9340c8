"""The lower bound of the KL divergence against whole distributions, and its place in the comparison with the dense model."""

from __future__ import annotations

import math
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.analysis.dense_comparison import versus_dense
from lm_eval_illusion.analysis.next_token_change import agreements, divergence_from_dense, divergences
from lm_eval_illusion.analysis.records import Rate
from lm_eval_illusion.results.next_tokens import NextTokens
from tests.outcome_examples import DENSE, outcome

ROUNDING = 1e-5


def rounding(p, q):
    """By seven digits of the log-probabilities and a tail that is 1e-6 larger."""
    return 1e-6 * (1 - sum(p[token] * math.log(q[token]) for token in p))


def kept(distribution, most=64):
    """The likeliest tokens of a distribution {token: probability}, with seven digits as in the files."""
    likeliest = sorted((token for token in distribution if distribution[token] > 0), key=lambda token: -distribution[token])[
        :most
    ]
    return NextTokens(array("i", likeliest), array("f", [float(f"{math.log(distribution[token]):.7g}") for token in likeliest]))


def softmax(logits):
    shares = np.exp(np.asarray(logits, dtype=float) - max(logits))
    return dict(enumerate((shares / shares.sum()).tolist()))


def kl(p, q):
    return sum(p[token] * math.log(p[token] / q[token]) for token in p if p[token] > 0)


def kl_of_shared_tokens(p, q, before, after):
    """The divergence if only the tokens that both keep are outcomes of their own: the simplest lower bound."""
    shared = [token for token in before.ids if token in set(after.ids)]
    rest_p, rest_q = (max(0.0, 1 - sum(side[token] for token in shared)) for side in (p, q))
    # Rounding of the kept numbers moves the tail by up to 3e-6, and the bound takes it 1e-6 larger.
    tail = rest_p * math.log(rest_p / (rest_q + 4e-6)) if rest_p else 0.0
    return sum(p[token] * math.log(p[token] / q[token]) for token in shared) + tail


logits = st.floats(-12, 12, allow_nan=False, width=32)


@given(st.lists(st.tuples(logits, logits), min_size=2, max_size=40), st.integers(1, 12), st.integers(1, 12))
def test_never_above_the_true_divergence_and_never_below_that_of_the_shared_tokens(pairs, of_dense, of_pruned):
    p, q = (softmax(side) for side in zip(*pairs, strict=True))
    before, after = kept(p, of_dense), kept(q, of_pruned)
    (bound,) = divergences([before], [after])
    assert bound <= kl(p, q) + rounding(p, q)
    assert bound >= kl_of_shared_tokens(p, q, before, after) - 2 * rounding(p, q)
    assert bound >= 0


@given(st.lists(st.tuples(logits, logits), min_size=2, max_size=60))
def test_with_all_tokens_it_is_the_divergence(pairs):
    p, q = (softmax(side) for side in zip(*pairs, strict=True))
    (bound,) = divergences([kept(p)], [kept(q)])
    # A token below the rounding of the tail, 1e-6, can't be told from none.
    assert bound == pytest.approx(kl(p, q), abs=1e-4, rel=1e-4)


def test_by_hand():
    # p = (1/2, 1/4, 1/4), q = (1/4, 1/4, 1/2): 1/2 log 2 + 0 + 1/4 log 1/2 = 1/4 log 2.
    p, q = {0: 0.5, 1: 0.25, 2: 0.25}, {0: 0.25, 1: 0.25, 2: 0.5}
    assert divergences([kept(p)], [kept(q)])[0] == pytest.approx(math.log(2) / 4, abs=1e-5)
    # One token of each is kept, tokens 0 and 2. q of 0 is at most 1/2 and p of 2 at most 1/2: with q = (1/2, 0, 1/2), p = (1/2, 0, 1/2)
    # nothing would have changed.
    assert divergences([kept(p, 1)], [kept(q, 1)])[0] == 0


def test_a_token_that_compression_drops_from_the_list_counts_with_the_most_that_it_can_have():
    # Dense: 0.9 for token 999. Compressed: 64 tokens of 1/128 each and the tail 1/2; token 999 has at most 1/128 there.
    p = {999: 0.9, **dict.fromkeys(range(1, 128), 0.1 / 127)}
    q = dict.fromkeys(range(1, 128), 1 / 128) | {999: 1 / 128}
    after = NextTokens(array("i", range(1, 65)), array("f", [math.log(1 / 128)] * 64))
    (bound,) = divergences([kept(p, 64)], [after])
    assert bound == pytest.approx(kl(p, q), abs=0.02)
    # In one bin with the tail it would count as 0.9 of 1/2.
    assert bound > 0.9 * math.log(0.9 / 0.5) + 3


def test_nearly_exact_where_both_are_peaked():
    generator = np.random.default_rng(0)
    for _ in range(20):
        dense = generator.normal(0, 4, 5000)
        p, q = softmax(dense * 1.5), softmax(dense * 1.5 + generator.normal(0, 0.7, 5000))
        (bound,) = divergences([kept(p)], [kept(q)])
        assert kl(p, q) - 0.05 < bound <= kl(p, q) + ROUNDING


@given(st.lists(logits, min_size=1, max_size=90))
def test_a_distribution_does_not_diverge_from_itself(values):
    tokens = kept(softmax(values))
    assert divergences([tokens], [tokens])[0] == pytest.approx(0, abs=ROUNDING)


def test_pairs_do_not_depend_on_each_other_and_may_be_unknown():
    some = [kept(softmax(np.random.default_rng(seed).normal(0, 3, 30 * (seed + 1)))) for seed in range(6)]
    before, after = [*some[:5], None], [*some[1:], some[0]]
    together = divergences(before, after)
    alone = [divergences([p], [q])[0] for p, q in zip(before, after, strict=True)]
    assert together == pytest.approx(alone, abs=1e-12, nan_ok=True)
    assert math.isnan(together[-1])
    assert len(divergences([], [])) == 0


def test_agreement_of_the_likeliest_token():
    one, other = kept({3: 0.6, 4: 0.4}), kept({4: 0.6, 3: 0.4})
    assert agreements([one, one, None], [one, other, one]) == pytest.approx([1, 0, math.nan], nan_ok=True)


SAME, CHANGED = kept({0: 0.5, 1: 0.25, 2: 0.25}), kept({0: 0.25, 1: 0.25, 2: 0.5})


def test_a_comparison_by_hand():
    changes = {"a": ("both", CHANGED), "b": ("both", SAME), "c": ("recognition_only", CHANGED), "d": ("neither", None)}
    before = [outcome(item, "both", variant=DENSE, next_tokens=SAME) for item in changes]
    before.append(outcome("e", "neither", variant=DENSE, next_tokens=SAME))
    after = [outcome(item, name, next_tokens=tokens) for item, (name, tokens) in changes.items()]
    after.append(outcome("e", "neither", next_tokens=CHANGED))
    versus = versus_dense(before, after)
    one = math.log(2) / 4
    assert versus.kl.value == pytest.approx(3 / 4 * one, abs=1e-5)  # a, b, c and e; d has no tokens
    assert versus.kl.ci[0] < versus.kl.value < versus.kl.ci[1]
    assert versus.top1_agreement.value == 1 / 4
    by_transition = {name: rate.value for name, rate in versus.kl_by_transition.items()}
    assert by_transition["retained"] == pytest.approx(one / 2, abs=1e-5)
    assert by_transition["induced_recognition_only"] == pytest.approx(one, abs=1e-5)
    assert by_transition["lost"] is None
    # Known items by rising divergence: b, then a and c, of which c is induced.
    assert [(part.n, part.induced) for part in versus.induced_by_kl] == [(1, 0), (1, 0), (1, 1)]
    assert (versus.induced_by_kl[0].high, versus.induced_by_kl[2].low) == pytest.approx((0, one), abs=1e-5)
    assert divergence_from_dense([*before, *after]) == pytest.approx([None] * 5 + [one, 0, one, None, one], abs=1e-5)


def test_without_next_tokens_everything_is_undefined():
    before, after = (
        [outcome(item, "both", variant=variant) for item in "abc"] for variant in (DENSE, outcome("a", "both").variant)
    )
    versus = versus_dense(before, after)
    assert versus.kl == versus.top1_agreement == Rate(None, None)
    assert all(rate == Rate(None, None) for rate in versus.kl_by_transition.values())
    assert versus.induced_by_kl == []
    assert divergence_from_dense(after) == [None] * 3
