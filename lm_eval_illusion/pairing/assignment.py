"""Assignment of donors to questions: each answer becomes a distractor of three other questions, and no two options overlap.

Arithmetic on a group of n questions, referred to by index. A *donor* is a question whose answer serves as a distractor of another one.
`costs[i, j]` is the cost of donor j for question i; `overlaps[j, k]` says that the answers of j and k can't be options of one question.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]
    Overlaps = NDArray[np.bool_]

ROUNDS = 3
"""Distractors per question, and questions per donor."""
FORBIDDEN = 1e6
"""The cost of a donor that the rules forbid."""

Rows = list[list[int]]
"""For each question the donors of its distractors."""


def assign_donors(costs: Scores, overlaps: Overlaps) -> Rows:
    """Assign ROUNDS donors to each question at a low total cost.

    Each round is an optimal assignment in which every donor is used once (scipy's `linear_sum_assignment`). A question that got nothing
    in a round then receives a donor that is used less than ROUNDS times, directly or by an exchange with another question, or else its
    cheapest donors, which are used once more. A row stays short where the rules allow too few donors.

    Args:
        costs: [n, n], question by donor; FORBIDDEN where a rule forbids the donor.
        overlaps: [n, n], donor by donor, symmetric, true on the diagonal.
    """
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    rows: Rows = [[] for _ in costs]
    for _ in range(ROUNDS):
        remaining_costs = costs.copy()
        for row, donors in enumerate(rows):
            remaining_costs[row, overlaps[:, donors].any(axis=1)] = FORBIDDEN
        for row, donor in zip(*linear_sum_assignment(np.minimum(remaining_costs, FORBIDDEN)), strict=True):
            if remaining_costs[row, donor] < FORBIDDEN:
                rows[row].append(int(donor))
    _use_spare_donors(rows, costs, overlaps)
    for row, donors in enumerate(rows):
        while len(donors) < ROUNDS and (addable := _addable(row, rows, costs, overlaps)).any():
            donors.append(int(np.where(addable, costs[row], np.inf).argmin()))
    return rows


def _addable(row: int, rows: Rows, costs: Scores, overlaps: Overlaps) -> Overlaps:
    """Return [n]: whether the rules allow each donor beside the donors that the row has."""
    addable: Overlaps = (costs[row] < FORBIDDEN) & ~overlaps[:, rows[row]].any(axis=1)
    return addable


def _use_spare_donors(rows: Rows, costs: Scores, overlaps: Overlaps) -> None:
    """Give short rows the donors that are used less than ROUNDS times, directly or by an exchange with another row.

    All spare donors are tried at once: one after the other in every row takes n x n x n steps where the rules forbid most donors.
    """
    import numpy as np

    used = np.bincount(np.array([donor for donors in rows for donor in donors], dtype=np.intp), minlength=len(rows))
    for short, donors in enumerate(rows):
        # Each donor is tried once per row, in ascending order.
        untried = used < ROUNDS
        while len(donors) < ROUNDS and untried.any() and (addable := _addable(short, rows, costs, overlaps)).any():
            slots = [
                (row, index)
                for row, others in enumerate(rows)
                if row != short
                for index, donor in enumerate(others)
                if addable[donor]
            ]
            replaceable = _replaceable(slots, rows, costs, overlaps)
            usable = untried & (addable | replaceable.any(axis=0))
            if not usable.any():
                break
            spare = int(usable.argmax())
            if addable[spare]:
                donors.append(spare)
            else:
                row, index = slots[int(replaceable[:, spare].argmax())]
                donors.append(rows[row][index])
                rows[row][index] = spare
            used[spare] += 1
            untried[: spare + 1] = False


def _replaceable(slots: Sequence[tuple[int, int]], rows: Rows, costs: Scores, overlaps: Overlaps) -> Overlaps:
    """Return [slots, n]: whether the rules allow each donor in the place of the one at a slot, (row, index of the donor in it)."""
    import numpy as np

    none = len(rows)
    overlaps_or_none = np.vstack([overlaps, np.zeros(len(rows), dtype=bool)])
    allowed: Overlaps = costs[[row for row, _ in slots]] < FORBIDDEN
    for step in range(1, ROUNDS):
        # The other donors of the row; a row may have less than ROUNDS.
        places = [(rows[row], (index + step) % ROUNDS) for row, index in slots]
        others = [donors[place] if place < len(donors) else none for donors, place in places]
        allowed &= ~overlaps_or_none[others]
    return allowed


def with_donor(donors: list[int], index: int, donor: int) -> list[int]:
    """Return a copy of `donors` with another donor at `index`."""
    return [*donors[:index], donor, *donors[index + 1 :]]


def are_compatible(donors: list[int], overlaps: Overlaps) -> bool:
    """Return whether the answers of the donors can be options of one question: all differ and none overlap."""
    return not any(overlaps[donor, later] for index, donor in enumerate(donors) for later in donors[index + 1 :])
