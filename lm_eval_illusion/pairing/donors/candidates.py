"""Candidates: for each question the donors that are worth rating, found by what the questions share.

Each donor stands in lists: one for each word or kind that its question has, one for its topic, one for each passage that its answer occurs
in, and one of all donors. A question looks into the lists of its own features. Of a long list it takes the donors next to its own place
only. All lists have one order, in which the different answers come first, sorted by length: so the donors next to a question have
answers of about its length, each is a candidate of about equally many questions, and a frequent answer does not fill the window.

The time for n questions is n times the size of the windows, whatever they share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from lm_eval_illusion.pairing.arrays import Draws, Indices, Scores

ALL = 400
"""Up to this many donors, all are candidates."""
FEATURE_WINDOW = 48
"""Donors that a question takes from the list of one feature."""
TOPIC_WINDOW = 32
PASSAGE_WINDOW = 64
ALL_WINDOW = 32
BUDGET = 160
"""Donors that a question takes from all lists together."""


class Look(NamedTuple):
    """Which lists questions look into, [entries] each. `row`: the question. `column`: the list; those of greater `weight` come first.

    `window`: how many donors are taken from the list.
    """

    row: Indices
    column: Indices
    weight: Scores
    window: Indices


@dataclass(frozen=True)
class DonorLists:
    """The lists of donors.

    Attributes:
        order: [donors], the donors in the order of all lists.
        place: [n], the place of each question in `order`; of one that is no donor the place where it would stand.
        keys: [entries], list x donors + place, ascending.
        starts: [lists + 1], where each list begins in `keys`.
    """

    order: Indices
    place: Indices
    keys: NDArray[np.int64]
    starts: Indices

    def windows(self, look: Look, budget: int) -> tuple[Indices, Indices]:
        """Return the pairs (question, donor) that the questions find; a pair may occur twice.

        A question takes at most `budget` donors, from its heaviest lists first.
        """
        import numpy as np

        order = np.lexsort((look.column, -look.weight, look.row))
        row, column = look.row[order], look.column[order]
        sizes = np.diff(self.starts)[column]
        taken = np.minimum(sizes, look.window[order])
        # Cut what goes beyond the budget of the row.
        before = np.cumsum(taken) - taken
        first = np.searchsorted(row, row)
        taken = np.clip(budget - (before - before[first]), 0, taken)
        own = np.searchsorted(self.keys, column * np.int64(len(self.order)) + self.place[row]) - self.starts[column]
        lowest = np.clip(own - taken // 2, 0, sizes - taken)
        begin = self.starts[column] + lowest
        offsets = np.arange(taken.sum()) - np.repeat(np.cumsum(taken) - taken, taken)
        donors = self.order[(self.keys[np.repeat(begin, taken) + offsets]) % max(1, len(self.order))]
        return np.repeat(row, taken), donors


def donor_lists(donors: Indices, rank: Indices, members: csr_matrix) -> DonorLists:
    """Return the lists of some of n questions.

    Args:
        donors: The indices of the donors.
        rank: [n], different numbers that order all questions.
        members: [n, lists], nonzero where a donor stands in a list.
    """
    import numpy as np

    order = donors[np.argsort(rank[donors], kind="stable")]
    columns = members[order].tocsc()
    columns.sort_indices()
    list_of = np.repeat(np.arange(columns.shape[1]), np.diff(columns.indptr))
    keys = list_of.astype(np.int64) * len(order) + columns.indices
    return DonorLists(order, np.searchsorted(rank[order], rank), keys, columns.indptr.astype(np.intp))


def list_order(answers: Sequence[int], lengths: Scores, draws: Draws) -> Indices:
    """Return [n], the rank of each question: the first of each answer before the second ones, then by length, then by the seed.

    Args:
        answers: A number for each question, the same for equal answers.
        lengths: The logarithm of the length of each answer.
        draws: A random number for each question.
    """
    import numpy as np

    by_draw = np.argsort(draws, kind="stable")
    occurrence = np.zeros(len(draws), dtype=np.intp)
    seen: dict[int, int] = {}
    for index in by_draw.tolist():
        occurrence[index] = seen[answers[index]] = seen.get(answers[index], -1) + 1
    rank = np.empty(len(draws), dtype=np.intp)
    rank[np.lexsort((draws, np.round(lengths, 6), occurrence))] = np.arange(len(draws))
    return rank
