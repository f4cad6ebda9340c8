"""Who lends an answer to whom: every donor three times, no two options alike.

Pure arithmetic over a group of n bundles: `costs[i, j]` is what it costs that bundle j lends its answer to bundle i.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

ROUNDS = 3
FORBIDDEN = 1e6

Rows = list[list[int]]
"""For each bundle the donors of its distractors."""
Clash = Callable[[int, int], bool]
"""Whether the answers of two donors can't stand side by side."""


def assign(costs: Scores, clash: Clash) -> Rows:
    """Three rounds, in each of which every donor lends once; a bundle for which a round finds nothing gets what others can spare, or
    the cheapest donors a fourth time.

    Rows may stay short where the rules leave too little.
    """
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    rows: Rows = [[] for _ in costs]
    for _ in range(ROUNDS):
        now = costs.copy()
        for row, donors in enumerate(rows):
            taken = [d for d in range(len(costs)) if any(d == other or clash(d, other) for other in donors)]
            now[row, taken] = FORBIDDEN
        for row, donor in zip(*linear_sum_assignment(np.minimum(now, FORBIDDEN)), strict=True):
            if now[row, donor] < FORBIDDEN:
                rows[row].append(int(donor))
    _repair(rows, costs, clash)
    for row in range(len(rows)):
        for donor in costs[row].argsort(kind="stable"):
            if len(rows[row]) < ROUNDS:
                _lend(int(donor), row, rows, costs, clash)
    return rows


def _repair(rows: Rows, costs: Scores, clash: Clash) -> None:
    """Give short rows the donors that lent less than three times, directly or by a swap with another row."""
    used = [sum(donors.count(donor) for donors in rows) for donor in range(len(rows))]
    for short, donors in enumerate(rows):
        for spare in [donor for donor, times in enumerate(used) if times < ROUNDS]:
            if len(donors) < ROUNDS and (_lend(spare, short, rows, costs, clash) or _swap_in(spare, short, rows, costs, clash)):
                used[spare] += 1


def _lend(donor: int, row: int, rows: Rows, costs: Scores, clash: Clash) -> bool:
    fits = costs[row, donor] < FORBIDDEN and stand_together([*rows[row], donor], clash)
    if fits:
        rows[row].append(donor)
    return bool(fits)


def _swap_in(spare: int, short: int, rows: Rows, costs: Scores, clash: Clash) -> bool:
    """Put the spare donor into another row, whose donor goes to the short row."""
    for row, donors in enumerate(rows):
        for place, donor in enumerate(donors if row != short and costs[row, spare] < FORBIDDEN else []):
            if stand_together(replaced(donors, place, spare), clash) and _lend(donor, short, rows, costs, clash):
                donors[place] = spare
                return True
    return False


def replaced(donors: list[int], place: int, donor: int) -> list[int]:
    """The donors with another one in a place."""
    return [*donors[:place], donor, *donors[place + 1 :]]


def stand_together(donors: list[int], clash: Clash) -> bool:
    """Whether all differ and none clash."""
    pairs = [(a, b) for place, a in enumerate(donors) for b in donors[place + 1 :]]
    return not any(a == b or clash(a, b) for a, b in pairs)
