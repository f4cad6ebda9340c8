"""Exchange of candidates until no surface cue reveals the answer: guessing by it is right for 25 % of the questions, as by chance.

The cues are those of `surface_cues`, in every language, and how often the file uses an answer: the most or the least used of four options.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lm_eval_illusion.pairing.donors.answer_table import AnswerTable
from lm_eval_illusion.pairing.donors.assignment import DISTRACTORS, Uses
from lm_eval_illusion.pairing.surface_cues import CharactersByLanguage, answer_hits, surface_scores

if TYPE_CHECKING:
    import numpy as np

    from lm_eval_illusion.pairing.arrays import Costs, Flags, Indices, Scores

COST_LIMITS = (0.5, 1.0, 2.0)
"""Limits, used one after the other, of the cost and price that an exchange may add."""
TOLERANCE = 0.02
"""Largest accepted difference between 25 % and the share of right guesses by any cue."""
AIM = 0.01
"""The difference at which the exchange ends."""
PASSES = 40
"""Passes at each cost limit. In each pass an exchange is proposed for each question."""
_AT_ONCE = 4_000


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

    An exchange replaces one candidate of a question by another one. It adds little to the cost, never takes a candidate that is asked
    otherwise for one that is asked alike, and brings the shares nearer to 25 %.
    """
    import numpy as np

    if not len(chosen):
        return chosen
    state = _State(chosen.copy(), problem, [surface_scores(table.texts, characters[table.lang]) for table in problem.tables])
    rng = np.random.RandomState(random_seed)
    for number, limit in enumerate(COST_LIMITS):
        for step in range(PASSES):
            state.count_hits()
            if report is not None:
                report(number * PASSES + step, len(COST_LIMITS) * PASSES)
            if state.is_reached or not state.improve(rng, limit):
                break
        if state.is_reached:
            break
    return state.chosen


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
    def is_reached(self) -> bool:
        """Whether each cue finds nearly a quarter of the answers."""
        return bool((abs(self._surplus) <= AIM * self._sizes).all())

    def improve(self, rng: np.random.RandomState, limit: float) -> int:
        """Propose an exchange for each question and make those that help; return how many were made."""
        import numpy as np

        made = 0
        order = rng.permutation(len(self.chosen))
        for start in range(0, len(order), _AT_ONCE):
            rows = order[start : start + _AT_ONCE]
            rows, slots, columns = self._possible(rows, rng, limit)
            proposed = self.chosen[rows]
            proposed[np.arange(len(rows)), slots] = columns
            changes = self._hits_of(rows, proposed) - self._hits[rows]
            # The fourth power keeps any single cue of any language from staying far off while the others improve.
            gains = changes @ ((self._surplus / self._sizes) ** 3 / self._sizes)
            imbalance = self._imbalance(self._surplus)
            for place in np.argsort(gains, kind="stable")[: int((gains < 0).sum())].tolist():
                surplus = self._surplus + changes[place]
                changed = self._imbalance(surplus)
                if changed < imbalance:
                    row, slot = rows[place], slots[place]
                    self._uses.count[self._answers[row, self.chosen[row, slot]]] -= 1
                    self._uses.count[self._answers[row, columns[place]]] += 1
                    self.chosen[row, slot] = columns[place]
                    self._hits[row] += changes[place]
                    self._surplus, imbalance = surplus, changed
                    made += 1
                    if self.is_reached:
                        return made
        return made

    def _possible(self, rows: Indices, rng: np.random.RandomState, limit: float) -> tuple[Indices, Indices, Indices]:
        """Draw a chosen candidate and another one for each question; return the rows, slots and columns of the exchanges allowed."""
        import numpy as np

        problem = self._problem
        slots = rng.randint(0, DISTRACTORS, len(rows))
        columns = (rng.random_sample(len(rows)) * problem.counts[rows]).astype(np.intp)
        old = self.chosen[rows, slots]
        extra = problem.costs[rows, columns] - problem.costs[rows, old]
        extra = extra + self._uses.price(self._answers[rows, columns]) - self._uses.price(self._answers[rows, old])
        allowed = (extra <= limit) & (problem.alike[rows, columns] | ~problem.alike[rows, old])
        allowed &= (self.chosen[rows] != columns[:, None]).all(axis=1)
        return rows[allowed], slots[allowed], columns[allowed]

    def _hits_of(self, rows: Indices, chosen: Indices) -> Scores:
        """Return [rows, cues]: the probability that each cue finds the answer of a row with these candidates."""
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
        found.append(answer_hits(np.stack([times, -times])))
        hits: Scores = np.concatenate(found).T
        return hits

    def _imbalance(self, surplus: Scores) -> float:
        return float(((surplus / self._sizes) ** 4).sum())
