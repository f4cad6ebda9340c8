"""The assignment of donors: the rules are kept, every donor is used three times where that is possible, and cheap donors are preferred."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.pairing import assignment
from lm_eval_illusion.pairing.assignment import FORBIDDEN, ROUNDS, are_compatible, assign_donors, with_donor


def problem(n, seed, forbidden_share=0.0, overlapping_share=0.0):
    """Random costs between 0 and 1 and overlaps. No question is its own donor."""
    rng = np.random.default_rng(seed)
    costs = rng.random((n, n))
    costs[rng.random((n, n)) < forbidden_share] = FORBIDDEN
    np.fill_diagonal(costs, FORBIDDEN)
    overlaps = np.triu(rng.random((n, n)) < overlapping_share)
    return costs, overlaps | overlaps.T | np.eye(n, dtype=bool)


@given(st.integers(1, 20), st.integers(0, 1000), st.sampled_from([0, 0.3, 0.8]), st.sampled_from([0, 0.2, 0.6]))
def test_no_row_breaks_a_rule(n, seed, forbidden_share, overlapping_share):
    costs, overlaps = problem(n, seed, forbidden_share, overlapping_share)
    rows = assign_donors(costs, overlaps)
    assert len(rows) == n
    for row, donors in enumerate(rows):
        assert len(donors) <= ROUNDS
        assert all(costs[row, donor] < FORBIDDEN for donor in donors)
        assert not any(overlaps[a, b] for index, a in enumerate(donors) for b in donors[:index])
        if len(donors) < ROUNDS:
            is_possible = [costs[row, d] < FORBIDDEN and not overlaps[d, donors].any() for d in range(n)]
            assert not any(is_possible), "a row is short only where the rules allow no further donor"


@pytest.mark.parametrize(
    ("seed", "forbidden_share", "overlapping_share"),
    [(0, 0.3, 0.1), (7, 0.3, 0.1), (22, 0.3, 0.1), (68, 0.3, 0.1), (69, 0.2, 0.2)],
)
def test_rows_that_a_round_left_short_are_completed_by_exchanges(seed, forbidden_share, overlapping_share):
    # In these problems the three rounds leave rows short. Without exchanges a donor would be used four times.
    rows = assign_donors(*problem(8, seed, forbidden_share, overlapping_share))
    assert Counter(donor for donors in rows for donor in donors) == dict.fromkeys(range(8), ROUNDS)


@given(st.integers(4, 20), st.integers(0, 1000))
def test_without_rules_every_donor_is_used_three_times(n, seed):
    rows = assign_donors(*problem(n, seed))
    assert all(len(donors) == ROUNDS for donors in rows)
    assert set(Counter(donor for donors in rows for donor in donors).values()) == {ROUNDS}


def test_three_questions_have_two_donors_each():
    rows = assign_donors(*problem(3, 0))
    assert [sorted(donors) for donors in rows] == [[1, 2], [0, 2], [0, 1]]


def test_the_cheapest_donors_are_used():
    # Two halves of four: a donor of the other half costs 1, one of the same half nothing.
    half = np.arange(8) // 4
    costs = (half[:, None] != half[None, :]).astype(float)
    np.fill_diagonal(costs, FORBIDDEN)
    rows = assign_donors(costs, np.eye(8, dtype=bool))
    assert all(half[donor] == half[row] for row, donors in enumerate(rows) for donor in donors)


def test_donors_that_overlap_are_never_in_one_row():
    costs, overlaps = problem(8, 0)
    overlaps[0, 1] = overlaps[1, 0] = True
    assert not any({0, 1} <= set(donors) for donors in assign_donors(costs, overlaps))


def test_a_donor_is_used_more_than_three_times_where_there_is_no_other():
    # No question may have donors 4 to 7, so that each of the four others is used more often.
    costs, overlaps = problem(8, 0)
    costs[:, 4:] = FORBIDDEN
    rows = assign_donors(costs, overlaps)
    assert all(len(donors) == ROUNDS for donors in rows)


def test_with_donor_changes_a_copy():
    donors = [1, 2, 3]
    assert with_donor(donors, 1, 9) == [1, 9, 3]
    assert donors == [1, 2, 3]


def test_a_donor_is_not_compatible_with_itself():
    assert are_compatible([0, 1, 2], np.eye(3, dtype=bool))
    assert not are_compatible([0, 1, 0], np.eye(3, dtype=bool))


def exchanges_sought(monkeypatch, costs, overlaps):
    """The rows, and the number of slots examined in each search for an exchange."""
    sought = []
    original = assignment._replaceable
    monkeypatch.setattr(assignment, "_replaceable", lambda slots, *rest: sought.append(len(slots)) or original(slots, *rest))
    return assign_donors(costs, overlaps), sought


def test_no_exchange_is_sought_for_a_row_that_may_have_no_donor(monkeypatch):
    # Questions of one text: the answer of each is right for every other, so the rules forbid all.
    rows, sought = exchanges_sought(monkeypatch, np.full((60, 60), FORBIDDEN), np.eye(60, dtype=bool))
    assert rows == [[]] * 60
    assert sought == []


def test_one_search_for_an_exchange_tries_all_spare_donors(monkeypatch):
    # All 60 answers overlap, so that each row has one donor and all donors could be used twice more. No row can take a second one.
    costs, _ = problem(60, 0)
    rows, sought = exchanges_sought(monkeypatch, costs, np.ones((60, 60), dtype=bool))
    assert all(len(donors) == 1 for donors in rows)
    assert sought == []
    # Question 0 may have donors 1 to 3 only, of which 2 and 3 overlap: one search, not one for each spare donor.
    costs[0, 4:] = FORBIDDEN
    overlaps = np.eye(60, dtype=bool)
    overlaps[2, 3] = overlaps[3, 2] = True
    rows, sought = exchanges_sought(monkeypatch, costs, overlaps)
    assert len(rows[0]) == 2
    assert len(sought) <= 3
