"""Intervals against scipy, published examples and the definition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from lm_eval_illusion.statistics import Z_95, paired_difference_interval, wilson_interval


@given(st.integers(0, 300), st.integers(1, 300))
def test_wilson_is_scipys(successes, n):
    successes = min(successes, n)
    low, high = wilson_interval(successes, n)
    theirs = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    assert low == pytest.approx(theirs.low, abs=1e-9)
    assert high == pytest.approx(theirs.high, abs=1e-9)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # Newcombe 1998, Stat. Med. 17, 857-872, table I, method 3 (score, no continuity correction).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_published(successes, n, low, high):
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 50), st.integers(1, 50))
def test_wilson_by_definition(successes, more):
    # The ends are where |p - share| is z standard errors of p.
    n = successes + more
    for end in wilson_interval(successes, n):
        assert abs(end - successes / n) == pytest.approx(Z_95 * (end * (1 - end) / n) ** 0.5, rel=1e-6)


def test_nothing_has_no_interval():
    assert wilson_interval(0, 0) is None
    assert paired_difference_interval(0, 0, 0, 0) is None


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    # Newcombe 1998, Stat. Med. 17, 2635-2650, table III, method 10, (e, f, g, h) as there.
    [
        ((36, 12, 2, 0), 0.0569, 0.3404),
        ((20, 12, 2, 16), 0.0562, 0.3292),
        ((18, 12, 2, 18), 0.0562, 0.3290),
    ],
)
def test_paired_difference_published(cells, low, high):
    assert paired_difference_interval(*cells) == pytest.approx((low, high), abs=5e-4)


@given(*[st.integers(0, 40)] * 4)
def test_paired_difference_holds_the_difference(both, first, second, neither):
    n = both + first + second + neither
    if n:
        low, high = paired_difference_interval(both, first, second, neither)
        assert -1 - 1e-9 <= low <= (first - second) / n <= high <= 1 + 1e-9
        # Swapping the two turns the interval round.
        assert paired_difference_interval(both, second, first, neither) == pytest.approx((-high, -low))
