"""Exchange of candidates until no surface cue reveals the answer: guessing by it is right for 25 % of the questions, as by chance.

The cues are those of `surface_cues`, in every language, and how often the file uses an answer: the most or the least used of four options.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lm_eval_illusion.pairing.donors.answer_table import AnswerTable
from lm_eval_illusion.pairing.donors.assignment import DISTRACTORS, Uses
from lm_eval_illusion.pairing.donors.use_cues import USE_CUES, Options, Users, each_once
from lm_eval_illusion.pairing.surface_cues import CharactersByLanguage, answer_hits, surface_scores

if TYPE_CHECKING:
    import numpy as np

    from lm_eval_illusion.pairing.arrays import Costs, Flags, Indices, Scores

PENALTIES = (4.0, 16.0, 64.0)
"""Weights, used one after the other, of the cues against the cost."""
COST_LIMIT = 3.0
"""Limit of the cost that one change may add."""
TOLERANCE = 0.02
"""Largest accepted difference between 25 % and the share of right guesses by any cue."""
AIM = 0.01
"""The difference at which the search ends."""
PASSES, FEWEST_PASSES = 40, 8
"""Passes at each weight, of few questions and of many. In each pass, changes are proposed for each question."""
PASSED_QUESTIONS = 40_000
"""Questions of all passes at a weight together, from which on there are fewer passes."""
PATIENCE = 6
"""Passes of nearly no changes, one after the other, before the next weight is taken."""
LEAST_SHARE = 0.001
"""A pass that changes this share of the questions or less counts as one of nearly no changes."""
_PARTS = 16
"""Parts of a pass: after each, the cues are weighed again."""
_LEAST_PART = 16
"""Questions in a part, if there are few."""
_PROPOSALS = 1024
"""Least number of changes proposed in a part."""


@dataclass(frozen=True)
class Problem:
    """What the exchange reads: m questions and their candidates.

    Attributes:
        tables: The answers in each language.
        rows: [m], the indices of the questions.
        donors: [m, most], the indices of the candidates.
        costs: [m, most].
        alike: [m, most], whether the candidate is asked alike.
        counts: [m], the candidates of each question.
        groups: [all questions], the number of each question's answer.
        right: [answers], how often each answer is right in the file.
    """

    tables: Sequence[AnswerTable]
    rows: Indices
    donors: Indices
    costs: Costs
    alike: Flags
    counts: Indices
    groups: Indices
    right: Indices


def balance(
    chosen: Indices,
    problem: Problem,
    characters: CharactersByLanguage,
    random_seed: int,
    report: Callable[[int, int], None] | None = None,
) -> Indices:
    """Return the chosen candidates after the changes, [m, 3].

    In a replacement, a question takes another answer; in an exchange, two questions each give an answer to the other, so that each answer
    is used as often as before. A change lowers the sum of the cost, the prices of the uses and a penalty for each cue, and never takes a
    candidate that is asked otherwise for one that is asked alike. The penalty is the fourth power of the difference from 25 %, which
    keeps any single cue of any language from staying far off while the others improve.
    """
    import numpy as np

    if not len(chosen):
        return chosen
    state = _State(chosen.copy(), problem, [surface_scores(table.texts, characters[table.lang]) for table in problem.tables])
    rng = np.random.RandomState(random_seed)
    passes = min(PASSES, max(FEWEST_PASSES, PASSED_QUESTIONS // len(chosen)))
    for number, weight in enumerate(PENALTIES):
        fruitless = 0
        for step in range(passes):
            state.count_hits()
            if state.is_reached or fruitless == PATIENCE:
                break
            if report is not None:
                report(number * passes + step, len(PENALTIES) * passes)
            made = state.improve(rng, weight, exchanges=step % 2 == 1)
            fruitless = 0 if made > LEAST_SHARE * len(chosen) else fruitless + 1
    return state.chosen


class _Changes(NamedTuple):
    """In each of the rows, the candidate at a slot (0 to 2) is replaced by the one of a column."""

    rows: Indices
    slots: Indices
    columns: Indices

    def at(self, places: Indices) -> _Changes:
        return _Changes(self.rows[places], self.slots[places], self.columns[places])


class _State:
    """The chosen candidates and how many answers each cue finds."""

    def __init__(self, chosen: Indices, problem: Problem, scores: Sequence[Scores]) -> None:
        import numpy as np

        self.chosen = chosen
        self._problem, self._scores = problem, scores
        self._answers = problem.groups[problem.donors]
        self._used = np.take_along_axis(self._answers, chosen, axis=1)
        self._own = problem.groups[problem.rows]
        self._has = [table.own[problem.rows] >= 0 for table in problem.tables]
        # Languages of the same questions count once.
        self._groups = np.unique(np.array(self._has), axis=0).T
        self._uses = Uses(problem.right, np.zeros(len(problem.right), dtype=np.intp))
        self._uses.add(self._used)
        totals = [has.sum() for has in self._has]
        sizes = [np.full(len(score), total) for score, total in zip(scores, totals, strict=True)]
        counts = np.concatenate([*sizes, np.repeat(self._groups.sum(axis=0), USE_CUES)])
        self._expected, self._sizes = counts / 4, np.maximum(1.0, counts)
        self._surplus = np.zeros(len(self._sizes))

    def count_hits(self) -> None:
        """Count from the chosen candidates what changes have added up."""
        import numpy as np

        self._surface = self._surface_hits(np.arange(len(self.chosen)), self.chosen)
        self._count_uses()
        self._surplus = np.concatenate([self._surface.sum(axis=0), self._options.total]) - self._expected

    def _count_uses(self) -> None:
        import numpy as np

        options = np.column_stack([self._own, self._used])
        self._options = Options(options, self._uses.count + self._uses.right, self._groups)
        total = self._options.total
        self._surplus[-len(total) :] = total - self._expected[-len(total) :]

    @property
    def largest(self) -> float:
        """The largest difference between 25 % and the share of right guesses by a cue."""
        return float((abs(self._surplus) / self._sizes).max())

    @property
    def is_reached(self) -> bool:
        """Whether each cue finds nearly a quarter of the answers."""
        return self.largest <= AIM

    def improve(self, rng: np.random.RandomState, weight: float, exchanges: bool) -> int:
        """Propose changes for each question and make those that help; return how many were made."""
        import numpy as np

        made = 0
        order = rng.permutation(len(self.chosen))
        for drawn in np.array_split(order, max(1, min(_PARTS, len(order) // _LEAST_PART))):
            rows = np.repeat(drawn, max(1, _PROPOSALS // len(drawn)))
            made += self._exchange(rows, rng, weight) if exchanges else self._replace(rows, rng, weight)
            self._count_uses()
            if self.is_reached:
                break
        return made

    def _replace(self, rows: Indices, rng: np.random.RandomState, weight: float) -> int:
        """Propose that each row takes another answer, at its price."""
        import numpy as np

        changes = self._draw(rows, rng)
        costs = (
            self._extra_cost(changes) + self._uses.price(self._new(changes)) - self._uses.price(self._old(changes), used=True)
        )
        places = np.flatnonzero(self._keeps_kind(changes) & (costs <= COST_LIMIT))
        changes, costs = changes.at(places), costs[places]
        of_uses = self._options.replacing(changes.rows, changes.slots + 1, self._new(changes))
        gains = np.column_stack([self._surface_change(changes), of_uses])
        best = self._best_first(costs, gains, weight)
        best = best[each_once(np.column_stack([self._old(changes), self._new(changes)])[best])]
        best = best[each_once(changes.rows[best, None])]
        best = best[: self._count_that_helps(costs[best], gains[best], weight)]
        self._make(changes.at(best))
        return len(best)

    def _exchange(self, rows: Indices, rng: np.random.RandomState, weight: float) -> int:
        """Propose that each row takes an answer from another row and gives one of its own."""
        import numpy as np

        first = self._draw(rows, rng)
        given, taken = self._old(first), self._new(first)
        others, other_slots = Users(self._used).draw(taken, rng)
        has_given = self._answers[others] == given[:, None]
        has_given[np.arange(self._answers.shape[1]) >= self._problem.counts[others][:, None]] = False
        second = _Changes(others, other_slots, has_given.argmax(axis=1))
        allowed = has_given.any(axis=1) & (rows != others) & self._keeps_kind(first) & self._keeps_kind(second)
        # An unused answer has no other row.
        allowed &= self._old(second) == taken
        costs = self._extra_cost(first) + self._extra_cost(second)
        places = np.flatnonzero(allowed & (costs <= COST_LIMIT))
        first, second, costs = first.at(places), second.at(places), costs[places]
        gains = np.column_stack(
            [
                self._surface_change(first) + self._surface_change(second),
                self._options.exchanging(first.rows, first.slots + 1, second.rows, second.slots + 1),
            ]
        )
        best = self._best_first(costs, gains, weight)
        best = best[each_once(np.column_stack([first.rows, second.rows])[best])]
        best = best[: self._count_that_helps(costs[best], gains[best], weight)]
        self._make(first.at(best))
        self._make(second.at(best))
        return len(best)

    def _draw(self, rows: Indices, rng: np.random.RandomState) -> _Changes:
        """Draw a slot and a candidate for each row, one of the cheaper ones more often."""
        slots = rng.randint(0, DISTRACTORS, len(rows))
        return _Changes(rows, slots, (rng.random_sample(len(rows)) ** 2 * self._problem.counts[rows]).astype(int))

    def _old(self, changes: _Changes) -> Indices:
        """Return the answers that changes replace."""
        old: Indices = self._used[changes.rows, changes.slots]
        return old

    def _new(self, changes: _Changes) -> Indices:
        """Return the answers that changes bring."""
        new: Indices = self._answers[changes.rows, changes.columns]
        return new

    def _keeps_kind(self, changes: _Changes) -> Flags:
        """Return whether each new candidate is new to its row and asked alike if the old one is."""
        old = self.chosen[changes.rows, changes.slots]
        is_new: Flags = (self.chosen[changes.rows] != changes.columns[:, None]).all(axis=1)
        return is_new & (self._problem.alike[changes.rows, changes.columns] | ~self._problem.alike[changes.rows, old])

    def _extra_cost(self, changes: _Changes) -> Scores:
        costs = self._problem.costs
        extra = costs[changes.rows, changes.columns] - costs[changes.rows, self.chosen[changes.rows, changes.slots]]
        return extra.astype(float)

    def _surface_change(self, changes: _Changes) -> Scores:
        """Return [changes, surface cues]: how the hits of the row change."""
        import numpy as np

        proposed = self.chosen[changes.rows]
        proposed[np.arange(len(proposed)), changes.slots] = changes.columns
        return self._surface_hits(changes.rows, proposed) - self._surface[changes.rows]

    def _penalty(self, surplus: Scores, weight: float) -> Scores:
        """Return the penalty of [..., cues], [...]."""
        penalty: Scores = weight * len(self.chosen) / AIM**2 * ((surplus / self._sizes) ** 4).sum(axis=-1)
        return penalty

    def _best_first(self, costs: Scores, gains: Scores, weight: float) -> Indices:
        """Return the changes that help, those that help most first. `gains`: [changes, cues]."""
        import numpy as np

        sums = costs + self._penalty(self._surplus + gains, weight) - self._penalty(self._surplus, weight)
        order: Indices = np.argsort(sums, kind="stable")
        return order[: int((sums < 0).sum())]

    def _count_that_helps(self, costs: Scores, gains: Scores, weight: float) -> int:
        """Return how many of the first changes together help most, and add their effect on the surface cues to the surplus."""
        import numpy as np

        after = self._surplus + np.cumsum(np.vstack([np.zeros_like(self._surplus), gains]), axis=0)
        sums = np.concatenate([[0.0], np.cumsum(costs)]) + self._penalty(after, weight)
        count = int(np.argmin(sums))
        self._surplus = after[count]
        return count

    def _make(self, changes: _Changes) -> None:
        self._uses.add(self._old(changes), -1)
        self._uses.add(self._new(changes))
        self._used[changes.rows, changes.slots] = self._new(changes)
        self.chosen[changes.rows, changes.slots] = changes.columns
        self._surface[changes.rows] = self._surface_hits(changes.rows, self.chosen[changes.rows])

    def _surface_hits(self, rows: Indices, chosen: Indices) -> Scores:
        """Return [rows, surface cues]: the probability that each cue finds the answer of a row with these candidates."""
        import numpy as np

        donors = np.take_along_axis(self._problem.donors[rows], chosen, axis=1)
        questions = self._problem.rows[rows]
        found = []
        for table, scores, has in zip(self._problem.tables, self._scores, self._has, strict=True):
            options = [table.options(questions, donors[:, place]) for place in range(DISTRACTORS)]
            texts = np.stack([table.own[questions], *options], axis=1)
            found.append(np.where(has[rows], answer_hits(scores[:, texts]), 0.0))
        hits: Scores = np.concatenate(found).T
        return hits
