"""Assignment of donors to questions: each answer becomes a distractor of three other questions, and no two options overlap.

Arithmetic on a group of n questions, referred to by index. A *donor* is a question whose answer serves as a distractor of another one.
`costs[i, j]` is the cost of donor j for question i; `overlaps[j, k]` says that the answers of j and k can't be options of one question.
"""

from __future__ import annotations

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
    for row in range(len(rows)):
        for donor in costs[row].argsort(kind="stable"):
            if len(rows[row]) < ROUNDS:
                _add_donor(int(donor), row, rows, costs, overlaps)
    return rows


def _use_spare_donors(rows: Rows, costs: Scores, overlaps: Overlaps) -> None:
    """Give short rows the donors that are used less than ROUNDS times, directly or by an exchange with another row."""
    used = [sum(donors.count(donor) for donors in rows) for donor in range(len(rows))]
    for short, donors in enumerate(rows):
        for spare in [donor for donor, times in enumerate(used) if times < ROUNDS]:
            if len(donors) < ROUNDS and (
                _add_donor(spare, short, rows, costs, overlaps) or _exchange(spare, short, rows, costs, overlaps)
            ):
                used[spare] += 1


def _add_donor(donor: int, row: int, rows: Rows, costs: Scores, overlaps: Overlaps) -> bool:
    """Add a donor to a row if the rules allow it; return whether they do."""
    is_allowed = bool(costs[row, donor] < FORBIDDEN) and are_compatible([*rows[row], donor], overlaps)
    if is_allowed:
        rows[row].append(donor)
    return is_allowed


def _exchange(spare: int, short: int, rows: Rows, costs: Scores, overlaps: Overlaps) -> bool:
    """Put the spare donor into another row, and the donor that it replaces there into the short row."""
    for row, donors in enumerate(rows):
        if row == short or costs[row, spare] >= FORBIDDEN:
            continue
        for index, donor in enumerate(donors):
            is_allowed = are_compatible(with_donor(donors, index, spare), overlaps)
            if is_allowed and _add_donor(donor, short, rows, costs, overlaps):
                donors[index] = spare
                return True
    return False


def with_donor(donors: list[int], index: int, donor: int) -> list[int]:
    """Return a copy of `donors` with another donor at `index`."""
    return [*donors[:index], donor, *donors[index + 1 :]]


def are_compatible(donors: list[int], overlaps: Overlaps) -> bool:
    """Return whether the answers of the donors can be options of one question: all differ and none overlap."""
    return not any(overlaps[donor, later] for index, donor in enumerate(donors) for later in donors[index + 1 :])
