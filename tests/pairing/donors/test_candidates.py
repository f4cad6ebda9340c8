"""The lists of donors and the windows in them."""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy.sparse import csr_matrix

from lm_eval_illusion.pairing.donors.candidates import Look, donor_lists, list_order


def lists_of(members, donors=None, rank=None):
    """The lists of questions that `members` [n, lists] says."""
    members = csr_matrix(np.array(members, dtype=np.float32))
    everyone = np.arange(members.shape[0])
    return donor_lists(everyone if donors is None else np.array(donors), everyone if rank is None else np.array(rank), members)


def looked(lists, entries, budget=100):
    """The donors of each question. `entries`: (question, list, weight, window)."""
    row, column, weight, window = map(np.array, zip(*entries, strict=True))
    rows, donors = lists.windows(Look(row, column, weight.astype(float), window), budget)
    return [(int(row), int(donor)) for row, donor in zip(rows, donors, strict=True)]


def test_a_short_list_is_taken_whole_and_a_long_one_around_the_own_place():
    lists = lists_of([[1, 1]] + [[0, 1]] * 9 + [[1, 0]])
    # List 0 has donors 0 and 10. List 1 has 0 to 9, of which question 5 takes four: 3 to 6, and question 9 the last four.
    assert looked(lists, [(0, 0, 1, 4)]) == [(0, 0), (0, 10)]
    assert looked(lists, [(5, 1, 1, 4), (9, 1, 1, 4)]) == [(5, 3), (5, 4), (5, 5), (5, 6), (9, 6), (9, 7), (9, 8), (9, 9)]


def test_the_budget_goes_to_the_heaviest_lists():
    lists = lists_of([[1, 1, 1]] * 6)
    donors = Counter(donor for _, donor in looked(lists, [(2, 0, 0.1, 6), (2, 1, 0.9, 3), (2, 2, 0.5, 6)], budget=5))
    # 3 of the second list (1 to 3), 2 of the third (1 and 2), none of the first.
    assert donors == {1: 2, 2: 2, 3: 1}


def test_the_order_of_a_list_is_the_rank():
    lists = lists_of([[1]] * 5, rank=[4, 0, 3, 1, 2])
    assert looked(lists, [(0, 0, 1, 5)]) == [(0, 1), (0, 3), (0, 4), (0, 2), (0, 0)]


def test_only_donors_stand_in_a_list_but_others_may_look():
    lists = lists_of([[1]] * 6, donors=[0, 2, 5])
    assert looked(lists, [(3, 0, 1, 2)]) == [(3, 2), (3, 5)]


def test_an_empty_list_gives_nothing():
    assert looked(lists_of([[1, 0]] * 3), [(0, 1, 1, 5)]) == []


def test_each_donor_of_a_long_list_is_found_about_equally_often():
    lists = lists_of([[1]] * 1000)
    uses = Counter(donor for _, donor in looked(lists, [(row, 0, 1, 20) for row in range(1000)]))
    assert max(uses.values()) <= 30
    assert len(uses) == 1000


def test_different_answers_come_first_then_the_length_decides():
    # Answer 7 occurs three times. The first of each answer by its draw, sorted by length; then the second ones.
    answers, lengths = [7, 7, 8, 7, 9], np.log([4, 4, 2, 4, 6])
    rank = list_order(answers, lengths, np.array([50, 10, 20, 30, 40], dtype=np.uint64))
    assert np.argsort(rank).tolist() == [2, 1, 4, 3, 0]
