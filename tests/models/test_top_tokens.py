"""Mid-ranks from lists of the likeliest tokens, against the whole distribution."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.models.top_tokens import MAX_ENTRIES, RankedToken, batches_of_lists, list_length, mid_rank


# Few different values, so that tokens tie.
@given(st.lists(st.integers(-4, 0), min_size=2, max_size=12), st.data())
def test_a_list_tells_the_rank_of_the_whole_distribution_or_nothing(values, data):
    distribution = dict(enumerate(map(float, values)))
    token = data.draw(st.sampled_from(sorted(distribution)))
    length = data.draw(st.integers(1, len(values)))
    likeliest = dict(sorted(distribution.items(), key=lambda entry: -entry[1])[:length])
    scored = distribution[token]
    # The places of the tied tokens in an order of the whole distribution; the mid-rank is their mean.
    places = [place for place, value in enumerate(sorted(values, reverse=True), start=1) if value == scored]
    rank = mid_rank(likeliest, token, len(values))
    if length == len(values) or min(likeliest.values()) < scored:
        assert rank == sum(places) / len(places)
    else:
        assert rank is None


@pytest.mark.parametrize("value", [math.nan, -math.inf])
def test_a_token_without_a_finite_log_probability_has_no_rank(value):
    assert mid_rank({0: -1.0, 1: value}, 1, 2) is None


def test_a_nan_anywhere_leaves_no_order():
    assert mid_rank({0: -1.0, 1: math.nan}, 0, 2) is None


@pytest.mark.parametrize(("rank", "length"), [(1, 64), (24, 64), (25, 66), (100, 216), (3000, 5000), (5000, 5000)])
def test_the_list_has_the_tokens_that_are_kept_reaches_below_the_rank_and_not_beyond_the_vocabulary(rank, length):
    assert list_length(RankedToken((1,), 2, rank), 5000) == length


def test_batches_hold_every_token_once_and_a_bounded_number_of_entries():
    tokens = [RankedToken((number,), 0, 1) for number in range(7)]
    lengths = dict(zip(tokens, [1, MAX_ENTRIES * 2, 5, MAX_ENTRIES // 2, MAX_ENTRIES // 2, 7, MAX_ENTRIES // 3], strict=True))
    batches = list(batches_of_lists(tokens, lengths))
    assert sorted(token for batch in batches for token in batch) == sorted(tokens)
    assert [len(batch) for batch in batches] == [3, 2, 1, 1]
    assert list(batches_of_lists([], {})) == []
