"""How often a file uses an answer, as a cue: the most or the least used of four options, and what a change of options does to it.

A change of one question's options changes how often two answers are used, and thereby what the cues find in each question that has one of
the two.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from lm_eval_illusion.pairing.surface_cues import answer_hits

if TYPE_CHECKING:
    import numpy as np

    from lm_eval_illusion.pairing.arrays import Flags, Indices, Scores

USE_CUES = 2
"""The most used option, the least used one."""
_MOST_USERS = 64
"""For an answer that more questions have, what one use more changes in the other ones is neglected: so many uses are rarely equal."""


class Users:
    """The rows that have each answer. `answers`: [rows, options]."""

    def __init__(self, answers: Indices) -> None:
        import numpy as np
        from scipy.sparse import csr_matrix

        self._width = answers.shape[1]
        self._count = int(answers.max(initial=-1)) + 1
        places = np.arange(answers.size, dtype=np.int32)
        ends = np.arange(len(answers) + 1) * self._width
        # The conversion counts how often each answer occurs, which takes less time than sorting.
        by_answer = csr_matrix((places, answers.ravel(), ends), shape=(len(answers), self._count)).tocsc()
        self._order, self._starts = by_answer.data, by_answer.indptr.astype(np.intp)

    def draw(self, answers: Indices, rng: np.random.RandomState) -> tuple[Indices, Indices]:
        """Return a row and the place at which it has each of the answers; of an answer that none has, those of another one."""
        import numpy as np

        begin, end = self._range(answers)
        drawn = begin + (rng.random_sample(len(answers)) * (end - begin)).astype(np.intp)
        places = self._order[np.minimum(drawn, len(self._order) - 1)]
        return places // self._width, places % self._width

    def of(self, answers: Indices, most: int) -> tuple[Indices, Indices]:
        """Return pairs: the place in `answers`, and a row that has this answer. Answers of more than `most` rows are left out."""
        import numpy as np

        begin, end = self._range(answers)
        sizes = np.where(end - begin > most, 0, end - begin)
        offsets = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        places = self._order[np.repeat(begin, sizes) + offsets]
        return np.repeat(np.arange(len(answers)), sizes), places // self._width

    def _range(self, answers: Indices) -> tuple[Indices, Indices]:
        import numpy as np

        # Numbers above those of all rows have no rows.
        return self._starts[np.minimum(answers, self._count)], self._starts[np.minimum(answers + 1, self._count)]


class Options:
    """The options of all rows, and what the cues of use find.

    Attributes:
        hits: [rows, 2], the probability that each cue finds the answer of a row.

    Args:
        answers: [rows, 4], the options as numbers of answers; the right one first.
        times: [answers], how often the file has each answer as an option.
        groups: [rows, groups], which rows a group has. The cues are counted in each group.
    """

    def __init__(self, answers: Indices, times: Indices, groups: Flags) -> None:
        self._answers, self._times, self._groups = answers, times, groups
        self.hits = use_hits(times[answers])

    @cached_property
    def _users(self) -> Users:
        return Users(self._answers)

    @property
    def total(self) -> Scores:
        """The sums of the hits in each group, [2 groups]."""
        total: Scores = (self._groups.T.astype(float) @ self.hits).ravel()
        return total

    def replacing(self, rows: Indices, places: Indices, new: Indices) -> Scores:
        """Return [changes, 2 groups]: how the sums of hits change if a row has a new answer at a place."""
        import numpy as np

        old = self._answers[rows, places]
        numbers, count = np.arange(len(rows)), len(self._answers)
        pairs = [(numbers, rows), self._users.of(old, _MOST_USERS), self._users.of(new, _MOST_USERS)]
        # A row that has both answers counts once.
        keys = np.unique(np.concatenate([number * count + row for number, row in pairs]))
        number, row = keys // count, keys % count
        answers = self._answers[row]
        times = self._times[answers] - (answers == old[number, None]) + (answers == new[number, None])
        changed = np.flatnonzero(row == rows[number])
        times[changed, places[number[changed]]] = self._times[new[number[changed]]] + 1
        return self._sums(number, row, use_hits(times) - self.hits[row], len(rows))

    def exchanging(self, rows: Indices, places: Indices, others: Indices, other_places: Indices) -> Scores:
        """Return [changes, 2 groups]: how the sums of hits change if two rows exchange the answers at these places."""
        import numpy as np

        numbers = np.arange(len(rows))
        first, second = self._times[self._answers[rows]], self._times[self._answers[others]]
        given, taken = first[numbers, places].copy(), second[numbers, other_places].copy()
        first[numbers, places], second[numbers, other_places] = taken, given
        both = np.concatenate([rows, others])
        return self._sums(np.tile(numbers, 2), both, use_hits(np.concatenate([first, second])) - self.hits[both], len(rows))

    def _sums(self, numbers: Indices, rows: Indices, changes: Scores, count: int) -> Scores:
        """Return [count, 2 groups]: the sums of the changes of the rows of each number, in each group."""
        import numpy as np

        weighted = [group[rows] * changes[:, cue] for group in self._groups.T for cue in range(USE_CUES)]
        return np.column_stack([np.bincount(numbers, weights, minlength=count) for weights in weighted])


def use_hits(times: Indices) -> Scores:
    """Return [rows, 2]: the probability that the most and the least used option is the answer. `times`: [rows, 4], the answer first."""
    import numpy as np

    counts = times.astype(float)
    hits: Scores = answer_hits(np.stack([counts, -counts])).T
    return hits


def each_once(members: Indices) -> Indices:
    """Return the places of groups, such as changes, of which no member occurs in an earlier group. `members`: [groups, members of each]."""
    import numpy as np

    is_first = np.zeros(members.size, dtype=bool)
    is_first[np.unique(members.ravel(), return_index=True)[1]] = True
    return np.flatnonzero(is_first.reshape(members.shape).all(axis=1))
