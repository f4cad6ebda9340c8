"""Who lends an answer to whom: every donor three times, no two options alike, and nothing to be guessed from their look.

Pure arithmetic over a group of n bundles: `costs[i, j]` is what it costs that bundle j lends its answer to bundle i.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from lm_eval_illusion.pairing.looks import answer_hits

if TYPE_CHECKING:
    from lm_eval_illusion.pairing.looks import Scores

ROUNDS = 3
FORBIDDEN = 1e6
PROPOSALS = 300
"""Swaps tried, a row, before dearer ones are."""
DEAREST_SWAPS = (0.5, 1.0, 2.0)
EVEN_ENOUGH = 0.02
"""How far from a quarter the share of any look may stay."""

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


def even_out(rows: Rows, counted: Collection[int], looks: Scores, costs: Scores, clash: Clash, rng: random.Random) -> None:
    """Swap donors until the answer has the highest score of the four a quarter of the time, by every look, over the `counted` rows.

    `looks`: [looks, n], the score of each answer by a rule that sees the option alone (its length, its likelihood). Whole rows that do not
    count may give and take, too. A swap must keep the rules and cost little; how often each donor lends does not change.
    """
    import numpy as np

    whole = [row for row, donors in enumerate(rows) if len(donors) == ROUNDS]
    evened = [row for row in whole if row in counted]
    if len(whole) < 2 or not evened:
        return
    hits = {row: answer_hits(looks[:, [row, *rows[row]]]) for row in evened}
    surplus: Scores = sum(hits.values()) - np.full(len(looks), len(evened) / 4)
    for number in range(len(DEAREST_SWAPS) * PROPOSALS * len(evened)):
        if abs(surplus).max() <= EVEN_ENOUGH * len(evened):
            break
        one, other = rng.choice(evened), rng.choice(whole)
        swap = _swapped(one, other, rng.randrange(ROUNDS), rng.randrange(ROUNDS), rows, clash) if one != other else {}
        dearer = sum(costs[row, donors].sum() - costs[row, rows[row]].sum() for row, donors in swap.items())
        if not swap or dearer > DEAREST_SWAPS[number // (PROPOSALS * len(evened))]:
            continue
        new_hits = {row: answer_hits(looks[:, [row, *donors]]) for row, donors in swap.items() if row in hits}
        new_surplus = surplus + sum(new - hits[row] for row, new in new_hits.items())
        if _unevenness(new_surplus) < _unevenness(surplus):
            surplus = new_surplus
            hits |= new_hits
            for row, donors in swap.items():
                rows[row] = donors


def _swapped(one: int, other: int, place: int, its_place: int, rows: Rows, clash: Clash) -> dict[int, list[int]]:
    """Both rows after the swap, none if donors could not stand together."""
    mine = _replaced(rows[one], place, rows[other][its_place])
    its = _replaced(rows[other], its_place, rows[one][place])
    return {one: mine, other: its} if _stand_together(mine, clash) and _stand_together(its, clash) else {}


def _unevenness(surplus: Scores) -> float:
    # The fourth power: no look of any language is left far off for the sake of the others.
    return float((surplus**4).sum())


def _repair(rows: Rows, costs: Scores, clash: Clash) -> None:
    """Give short rows the donors that lent less than three times, directly or by a swap with another row."""
    used = [sum(donors.count(donor) for donors in rows) for donor in range(len(rows))]
    for short, donors in enumerate(rows):
        for spare in [donor for donor, times in enumerate(used) if times < ROUNDS]:
            if len(donors) < ROUNDS and (_lend(spare, short, rows, costs, clash) or _swap_in(spare, short, rows, costs, clash)):
                used[spare] += 1


def _lend(donor: int, row: int, rows: Rows, costs: Scores, clash: Clash) -> bool:
    fits = costs[row, donor] < FORBIDDEN and _stand_together([*rows[row], donor], clash)
    if fits:
        rows[row].append(donor)
    return bool(fits)


def _swap_in(spare: int, short: int, rows: Rows, costs: Scores, clash: Clash) -> bool:
    """Put the spare donor into another row, whose donor goes to the short row."""
    for row, donors in enumerate(rows):
        for place, donor in enumerate(donors if row != short and costs[row, spare] < FORBIDDEN else []):
            if _stand_together(_replaced(donors, place, spare), clash) and _lend(donor, short, rows, costs, clash):
                donors[place] = spare
                return True
    return False


def _replaced(donors: list[int], place: int, donor: int) -> list[int]:
    return [*donors[:place], donor, *donors[place + 1 :]]


def _stand_together(donors: list[int], clash: Clash) -> bool:
    pairs = [(a, b) for place, a in enumerate(donors) for b in donors[place + 1 :]]
    return not any(a == b or clash(a, b) for a, b in pairs)
