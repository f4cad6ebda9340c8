"""Exchange of candidates until no surface cue reveals the answer: guessing by it is right for 25 % of the questions, as by chance.

The cues are those of `surface_cues`, in every language, and how often the file uses an answer: the most or the least used of four options.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lm_eval_illusion.pairing.donors.answer_table import AnswerTable
from lm_eval_illusion.pairing.donors.assignment import DISTRACTORS, Uses
from lm_eval_illusion.pairing.surface_cues import CharactersByLanguage, answer_hits, surface_scores

if TYPE_CHECKING:
    import numpy as np

    from lm_eval_illusion.pairing.arrays import Costs, Flags, Indices, Scores

COST_LIMITS = (0.5, 1.0, 2.0)
"""Limits, used one after the other, of the cost that an exchange may add."""
TOLERANCE = 0.02
"""Largest accepted difference between 25 % and the share of right guesses by any cue."""
AIM = 0.01
"""The difference at which the exchange ends."""
PASSES = 40
"""Passes at each cost limit. In each pass, an exchange is proposed for each question."""
PATIENCE = 6
"""Passes of nearly no changes, one after the other, before a cost limit is given up."""
LEAST_SHARE = 0.001
"""A pass that changes this share of the questions or less counts as one of nearly no changes."""
_PARTS = 16
"""Parts of a pass: after each, the cues are weighed again."""
_LEAST_PART = 16
"""Questions in a part, if there are few."""


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
    """Return the chosen candidates after the exchanges, [m, 3].

    In an exchange, two questions each give an answer to the other, so that each answer is used as often as before. Where that is not
    enough, a question takes another answer at the price of its use. A change adds little to the cost, never takes a candidate that is
    asked otherwise for one that is asked alike, and brings the shares nearer to 25 %.
    """
    import numpy as np

    if not len(chosen):
        return chosen
    state = _State(chosen.copy(), problem, [surface_scores(table.texts, characters[table.lang]) for table in problem.tables])
    rng = np.random.RandomState(random_seed)
    for number, limit in enumerate(COST_LIMITS):
        fruitless = 0
        for step in range(PASSES):
            state.count_hits()
            if state.is_reached or fruitless == PATIENCE:
                break
            if report is not None:
                report(number * PASSES + step, len(COST_LIMITS) * PASSES)
            made = state.improve(rng, limit, exchanges=step % 2 == 0)
            fruitless = 0 if made > LEAST_SHARE * len(chosen) else fruitless + 1
    return state.chosen


class _Changes(NamedTuple):
    """In each of the rows, the candidate at a slot (0 to 2) is replaced by the one of a column."""

    rows: Indices
    slots: Indices
    columns: Indices

    def at(self, places: Indices) -> _Changes:
        return _Changes(self.rows[places], self.slots[places], self.columns[places])


class _Users:
    """The rows that use each answer. `answers`: [rows, 3]."""

    def __init__(self, answers: Indices) -> None:
        import numpy as np

        self._order = np.argsort(answers.ravel(), kind="stable")
        self._sorted = answers.ravel()[self._order]

    def draw(self, answers: Indices, rng: np.random.RandomState) -> tuple[Indices, Indices]:
        """Return a row and the slot at which it uses each of the answers; of an unused answer, those of another one."""
        import numpy as np

        begin, end = np.searchsorted(self._sorted, answers, "left"), np.searchsorted(self._sorted, answers, "right")
        drawn = begin + (rng.random_sample(len(answers)) * (end - begin)).astype(np.intp)
        places = self._order[np.minimum(drawn, len(self._order) - 1)]
        return places // DISTRACTORS, places % DISTRACTORS


def _each_once(first: Indices, second: Indices) -> Indices:
    """Return the places of pairs of which no member occurs in an earlier pair."""
    import numpy as np

    both = np.column_stack([first, second]).ravel()
    is_first = np.zeros(len(both), dtype=bool)
    is_first[np.unique(both, return_index=True)[1]] = True
    return np.flatnonzero(is_first.reshape(-1, 2).all(axis=1))


class _State:
    """The chosen candidates and how many answers each cue finds."""

    def __init__(self, chosen: Indices, problem: Problem, scores: Sequence[Scores]) -> None:
        import numpy as np

        self.chosen = chosen
        self._problem, self._scores = problem, scores
        self._every = np.arange(len(chosen))
        self._answers = problem.groups[problem.donors]
        self._own = problem.groups[problem.rows]
        self._has = [table.own[problem.rows] >= 0 for table in problem.tables]
        self._uses = Uses(problem.right, np.zeros(len(problem.right), dtype=np.intp))
        self._uses.add(np.take_along_axis(self._answers, chosen, axis=1))
        totals = [has.sum() for has in self._has]
        sizes = [np.full(len(score), total) for score, total in zip(scores, totals, strict=True)]
        counts = np.concatenate([*sizes, [len(chosen)] * 2])
        self._expected, self._sizes = counts / 4, np.maximum(1.0, counts)
        self._surplus = np.zeros(len(self._sizes))

    def count_hits(self) -> None:
        """Count from the chosen candidates what exchanges have added up."""
        self._hits = self._hits_of(self._every, self.chosen)
        self._surplus = self._hits.sum(axis=0) - self._expected

    @property
    def largest(self) -> float:
        """The largest difference between 25 % and the share of right guesses by a cue."""
        return float((abs(self._surplus) / self._sizes).max())

    @property
    def is_reached(self) -> bool:
        """Whether each cue finds nearly a quarter of the answers."""
        return self.largest <= AIM

    def improve(self, rng: np.random.RandomState, limit: float, exchanges: bool) -> int:
        """Propose a change for each question and make those that help; return how many were made."""
        import numpy as np

        made = 0
        users = _Users(np.take_along_axis(self._answers, self.chosen, axis=1))
        order = rng.permutation(len(self.chosen))
        for drawn in np.array_split(order, max(1, min(_PARTS, len(order) // _LEAST_PART))):
            first, second = self._exchanges(drawn, users, rng, limit) if exchanges else self._replacements(drawn, rng, limit)
            changes = self._changes(first, not exchanges) + (self._changes(second) if exchanges else 0.0)
            best = self._best_first(changes)
            best = best[_each_once(first.rows[best], second.rows[best])] if exchanges else best
            # What the surplus becomes after the first change, the first two, ...
            after = self._surplus + np.cumsum(np.vstack([np.zeros_like(self._surplus), changes[best]]), axis=0)
            count = int(np.argmin(((after / self._sizes) ** 4).sum(axis=1)))
            self._make(first.at(best[:count]))
            if exchanges:
                self._make(second.at(best[:count]))
            self._surplus = after[count]
            made += count
            if self.is_reached:
                break
        return made

    def _draw(self, rows: Indices, rng: np.random.RandomState) -> _Changes:
        """Draw a slot and a candidate for each row."""
        slots = rng.randint(0, DISTRACTORS, len(rows))
        return _Changes(rows, slots, (rng.random_sample(len(rows)) * self._problem.counts[rows]).astype(int))

    def _replacements(self, rows: Indices, rng: np.random.RandomState, limit: float) -> tuple[_Changes, _Changes]:
        """Propose that each row takes another answer, at its price; return the changes that are allowed, and no second ones."""
        import numpy as np

        changes = self._draw(rows, rng)
        old = self._answers[rows, self.chosen[rows, changes.slots]]
        prices = self._uses.price(self._answers[rows, changes.columns]) - self._uses.price(old)
        places = np.flatnonzero(self._keeps_kind(changes) & (self._extra_cost(changes) + prices <= limit))
        return changes.at(places), changes.at(places[:0])

    def _exchanges(self, rows: Indices, users: _Users, rng: np.random.RandomState, limit: float) -> tuple[_Changes, _Changes]:
        """Propose that each row takes an answer from another row and gives one of its own; return the changes that are allowed."""
        import numpy as np

        first = self._draw(rows, rng)
        given, taken = self._answers[rows, self.chosen[rows, first.slots]], self._answers[rows, first.columns]
        others, other_slots = users.draw(taken, rng)
        has_given = self._answers[others] == given[:, None]
        has_given[np.arange(self._answers.shape[1]) >= self._problem.counts[others][:, None]] = False
        second = _Changes(others, other_slots, has_given.argmax(axis=1))
        allowed = has_given.any(axis=1) & (rows != others) & self._keeps_kind(first) & self._keeps_kind(second)
        # The other row may have exchanged this answer already.
        allowed &= self._answers[others, self.chosen[others, other_slots]] == taken
        allowed &= (self._extra_cost(first) + self._extra_cost(second)) <= limit
        places = np.flatnonzero(allowed)
        return first.at(places), second.at(places)

    def _keeps_kind(self, changes: _Changes) -> Flags:
        """Return whether each new candidate is new to its row and asked alike if the old one is."""
        old = self.chosen[changes.rows, changes.slots]
        is_new: Flags = (self.chosen[changes.rows] != changes.columns[:, None]).all(axis=1)
        return is_new & (self._problem.alike[changes.rows, changes.columns] | ~self._problem.alike[changes.rows, old])

    def _extra_cost(self, changes: _Changes) -> Costs:
        costs = self._problem.costs
        extra: Costs = costs[changes.rows, changes.columns] - costs[changes.rows, self.chosen[changes.rows, changes.slots]]
        return extra

    def _changes(self, changes: _Changes, is_used_more: bool = False) -> Scores:
        """Return [changes, cues]: how the hits of the row change."""
        import numpy as np

        proposed = self.chosen[changes.rows]
        proposed[np.arange(len(proposed)), changes.slots] = changes.columns
        return self._hits_of(changes.rows, proposed, is_used_more) - self._hits[changes.rows]

    def _best_first(self, changes: Scores) -> Indices:
        """Return the exchanges that help, those that help most first. `changes`: [exchanges, cues]."""
        import numpy as np

        # The fourth power keeps any single cue of any language from staying far off while the others improve.
        gains = changes @ ((self._surplus / self._sizes) ** 3 / self._sizes)
        order: Indices = np.argsort(gains, kind="stable")
        return order[: int((gains < 0).sum())]

    def _make(self, changes: _Changes) -> None:
        self._uses.add(self._answers[changes.rows, self.chosen[changes.rows, changes.slots]], -1)
        self._uses.add(self._answers[changes.rows, changes.columns])
        self.chosen[changes.rows, changes.slots] = changes.columns
        self._hits[changes.rows] = self._hits_of(changes.rows, self.chosen[changes.rows])

    def _hits_of(self, rows: Indices, chosen: Indices, is_used_more: bool = False) -> Scores:
        """Return [rows, cues]: the probability that each cue finds the answer of a row with these candidates.

        `is_used_more`: count one more use of a candidate that the row has not now.
        """
        import numpy as np

        donors = np.take_along_axis(self._problem.donors[rows], chosen, axis=1)
        questions = self._problem.rows[rows]
        found = []
        for table, scores, has in zip(self._problem.tables, self._scores, self._has, strict=True):
            options = [table.options(questions, donors[:, place]) for place in range(DISTRACTORS)]
            texts = np.stack([table.own[questions], *options], axis=1)
            found.append(np.where(has[rows], answer_hits(scores[:, texts]), 0.0))
        answers = np.column_stack([self._own[rows], np.take_along_axis(self._answers[rows], chosen, axis=1)])
        times = (self._uses.count[answers] + self._uses.right[answers]).astype(float)
        if is_used_more:
            times[:, 1:] += chosen != self.chosen[rows]
        found.append(answer_hits(np.stack([times, -times])))
        hits: Scores = np.concatenate(found).T
        return hits
