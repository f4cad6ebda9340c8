"""How often the file uses an answer, as a cue: the effect of a change, against a count of the whole file anew."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from lm_eval_illusion.pairing.donors.use_cues import Options, Users, each_once, use_hits


def counted(answers):
    """The expected hits of each row, [most used, least used], from the options of all rows. Written a second time on purpose."""
    times = Counter(answers.ravel().tolist())
    found = []
    for row in answers.tolist():
        uses = [times[answer] for answer in row]
        found.append([(uses[0] == best) / uses.count(best) for best in (max(uses), min(uses))])
    return np.array(found)


@pytest.fixture
def answers():
    """Forty rows of four different ones of twelve answers: most are used about as often, so that one use changes many rows."""
    rng = np.random.RandomState(3)
    return np.array([rng.permutation(12)[:4] for _ in range(40)])


@pytest.fixture
def groups():
    return np.column_stack([np.ones(40, dtype=bool), np.arange(40) % 3 == 0])


def options_of(answers, groups):
    return Options(answers, np.bincount(answers.ravel(), minlength=13), groups)


def totals(answers, groups):
    hits = counted(answers)
    return np.concatenate([hits[group].sum(axis=0) for group in groups.T])


def test_hits_by_hand():
    # Used most alone, one of two used most, neither, all four alike, used least alone.
    times = np.array([[5, 1, 2, 3], [3, 3, 1, 1], [2, 3, 1, 1], [4, 4, 4, 4], [1, 2, 2, 2]])
    assert use_hits(times).tolist() == [[1, 0], [0.5, 0], [0, 0], [0.25, 0.25], [0, 1]]


def test_the_sums_of_each_group(answers, groups):
    assert options_of(answers, groups).total == pytest.approx(totals(answers, groups))


def test_a_replacement_changes_every_row_that_has_one_of_the_two_answers(answers, groups):
    rows, places = np.repeat(np.arange(40), 3), np.tile([1, 2, 3], 40)
    # Answer 12 is used nowhere; the others are used in other rows.
    new = np.array([next(one for one in np.roll(np.arange(13), -row) if one not in answers[row]) for row in rows])
    changes = options_of(answers, groups).replacing(rows, places, new)
    for row, place, answer, change in zip(rows, places, new, changes, strict=True):
        after = answers.copy()
        after[row, place] = answer
        assert change == pytest.approx(totals(after, groups) - totals(answers, groups))
    assert np.abs(changes).max() > 1, "more than one row is changed"


def test_an_exchange_changes_two_rows(answers, groups):
    found = [
        (row, place, other, other_place)
        for row, place, other, other_place in np.random.RandomState(0).randint([0, 1, 0, 1], [40, 4, 40, 4], (300, 4))
        if row != other and answers[row, place] not in answers[other] and answers[other, other_place] not in answers[row]
    ]
    changes = options_of(answers, groups).exchanging(*np.array(found).T)
    assert len(found) > 50
    for (row, place, other, other_place), change in zip(found, changes, strict=True):
        after = answers.copy()
        after[row, place], after[other, other_place] = answers[other, other_place], answers[row, place]
        assert change == pytest.approx(totals(after, groups) - totals(answers, groups))


def test_the_rows_of_an_answer():
    users = Users(np.array([[0, 1], [2, 0], [0, 3]]))
    numbers, rows = users.of(np.array([0, 3, 9]), most=3)
    assert sorted(zip(numbers.tolist(), rows.tolist(), strict=True)) == [(0, 0), (0, 1), (0, 2), (1, 2)]
    assert users.of(np.array([0, 3]), most=2)[1].tolist() == [2], "0 has three users"
    drawn = {tuple(map(int, np.concatenate(users.draw(np.array([0]), np.random.RandomState(seed))))) for seed in range(20)}
    assert drawn == {(0, 0), (1, 1), (2, 0)}, "row and place of each use"


@pytest.mark.parametrize("seed", range(5))
def test_no_member_of_a_kept_group_stands_in_an_earlier_group(seed):
    groups = np.random.RandomState(seed).randint(0, 12, (10, 2))
    earlier = [set(groups[:place].ravel().tolist()) for place in range(len(groups))]
    kept = [place for place, group in enumerate(groups.tolist()) if group[0] != group[1] and earlier[place].isdisjoint(group)]
    assert each_once(groups).tolist() == kept
