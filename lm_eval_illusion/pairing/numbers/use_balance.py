"""Changes of drawn values until how often the file has a value tells nothing: the most and the least used of four is right by chance.

Years and small counts are the answers of several questions. Where the values beside such an answer are near ones that no question has as
its answer, the answer is the most used of the four. A change takes another value on the same side of the true one, so that its rank stays.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from lm_eval_illusion.pairing.donors.use_cues import USE_CUES, Options, each_once
from lm_eval_illusion.pairing.numbers.number_cues import number_scores
from lm_eval_illusion.pairing.numbers.soft_uses import SoftUses
from lm_eval_illusion.pairing.surface_cues import answer_hits

if TYPE_CHECKING:
    import numpy as np

    from lm_eval_illusion.pairing.arrays import Indices, Scores

AIM = 0.01
"""The difference between a quarter and the share of right guesses of each cue at which the search ends."""
PASSES, FEWEST_PASSES = 30, 3
"""Passes over few questions and over many."""
PASSED_QUESTIONS = 20_000
"""Questions of all passes together, from which on there are fewer passes."""
_SOFTNESS = 0.9
"""What the soft cues count less in each pass than in the one before: at the end the exact ones decide."""
_MANY_USES = 64
"""For a value that the file has more often, one use more makes little difference to other questions."""
_PARTS, _LEAST_PART, _MOST_PART = 16, 8, 512
"""Parts of a pass, after each of which the uses are counted anew, and the questions of a part."""
_CHANGES, _FEWEST_CHANGES = 8, 256
"""Changes of each question that are tried, and of the questions of a part."""
_TOGETHER = 20_000
"""Questions whose values are changed together; those of the others stay meanwhile."""

Uses = dict[str, Counter[str]]
"""Language -> text -> how often."""


@dataclass(frozen=True)
class Pool:
    """A question's values and the three of them that were drawn.

    Attributes:
        values: The true value first.
        row: Indices of the drawn values in `values`.
        preferred: Those that stand in the passage. They give way to one another only.
        surface: [cues, values], the scores of the values as texts.
        texts: Language -> the values as texts.
    """

    values: list[int]
    row: list[int]
    preferred: frozenset[int]
    surface: Scores
    texts: Mapping[str, Sequence[str]]


def balance_uses(groups: Sequence[Sequence[Pool]], others: Iterable[Mapping[str, str]], random_seed: int) -> list[list[int]]:
    """Return three indices of values for each question, with each cue as close to a quarter as changes of single values bring it.

    Args:
        groups: The questions; those of a group are in the same languages.
        others: Language -> text, of the answers and options of the other questions of the file.
        random_seed: Seed of the order of the questions.

    Returns:
        For the questions of all groups, one after the other.
    """
    import numpy as np

    rng = np.random.RandomState(random_seed)
    uses = _uses(groups, others)
    rows: list[list[int]] = []
    for group in groups:
        for start in range(0, len(group), _TOGETHER):
            pools = group[start : start + _TOGETHER]
            _count(uses, pools, -1)
            changed = _balanced(pools, uses, rng)
            _count(uses, [replace(pool, row=row) for pool, row in zip(pools, changed, strict=True)], 1)
            rows += changed
    return rows


def _uses(groups: Sequence[Sequence[Pool]], others: Iterable[Mapping[str, str]]) -> Uses:
    """Return how often the file has each text of the pools as one of four options."""
    uses: Uses = defaultdict(Counter)
    for pool in chain.from_iterable(groups):
        for lang, texts in pool.texts.items():
            uses[lang].update(dict.fromkeys(texts, 0))
    for option in others:
        for lang, text in option.items():
            if text in uses[lang]:
                uses[lang][text] += 1
    for group in groups:
        _count(uses, group, 1)
    return uses


def _count(uses: Uses, pools: Iterable[Pool], sign: int) -> None:
    """Add the true and the drawn values of questions to the uses, or take them out of these."""
    for pool in pools:
        for lang, texts in pool.texts.items():
            for index in (0, *pool.row):
                uses[lang][texts[index]] += sign


def _balanced(pools: Sequence[Pool], others: Uses, rng: np.random.RandomState) -> list[list[int]]:
    """Return the result of `balance_uses` for questions of one group, with the uses by all others."""
    state = _State(pools, others)
    best, least = state.chosen, math.inf
    passes = min(PASSES, max(FEWEST_PASSES, PASSED_QUESTIONS // len(pools)))
    for step in range(passes):
        order = rng.permutation(len(pools))
        size = min(_MOST_PART, max(_LEAST_PART, len(order) // _PARTS))
        made = 0
        for start in range(0, len(order), size):
            state.count(_SOFTNESS**step)
            if state.distance < least:
                best, least = state.chosen.copy(), state.distance
            if state.largest <= AIM:
                break
            made += state.improve(order[start : start + size], rng)
        if not made:
            break
    state.count(0.0)
    if state.distance < least:
        best = state.chosen
    rows: list[list[int]] = best[:, 1:].tolist()
    return rows


class _State:
    """The chosen values, and how many true values each cue finds beyond a quarter."""

    def __init__(self, pools: Sequence[Pool], others: Uses) -> None:
        import numpy as np

        count, most = len(pools), max(len(pool.values) for pool in pools)
        self._values = np.ones((count, most), dtype=np.int64)
        self._texts = np.zeros((len(pools[0].surface), count, most))
        self._sides = np.zeros((count, most), dtype=np.int8)
        self._is_preferred = np.zeros((count, most), dtype=bool)
        for index, pool in enumerate(pools):
            end = len(pool.values)
            self._values[index, :end] = pool.values
            self._texts[:, index, :end] = pool.surface
            self._sides[index, :end] = np.sign(np.array(pool.values) - pool.values[0])
            self._is_preferred[index, :end] = [value in pool.preferred for value in pool.values]
        self.chosen = np.zeros((count, 4), dtype=np.intp)
        self.chosen[:, 1:] = [pool.row for pool in pools]
        self._numbered = _numbered(pools, others, most)
        self._every = np.arange(count)
        self._static = self._static_hits(self._every, self.chosen)

    @property
    def largest(self) -> float:
        """The largest difference between a quarter and the share of right guesses by a cue."""
        return float(abs(self._surplus).max() / len(self.chosen))

    @property
    def distance(self) -> float:
        """The distance of all exact cues together from a quarter."""
        return float(self._penalty(self._surplus[: -USE_CUES * len(self._soft)]))

    def count(self, softness: float) -> None:
        """Count uses and hits from the chosen values. `softness`: the weight of the soft cues, 0 to 1."""
        import numpy as np

        everything = np.ones((len(self.chosen), 1), dtype=bool)
        self._options: list[Options] = []
        self._soft: list[SoftUses] = []
        for numbers, outside in self._numbered:
            answers = np.take_along_axis(numbers, self.chosen, axis=1)
            times = outside + np.bincount(answers.ravel(), minlength=len(outside))
            self._options.append(Options(answers, times, everything))
            if not self._soft:
                self._times = times
            self._soft.append(SoftUses(answers, times))
        of_uses = np.concatenate([options.total for options in self._options])
        # The soft cues point the way for as long as the others are off.
        self._surplus = np.concatenate([self._static.sum(axis=0), of_uses, of_uses]) - len(self.chosen) / 4
        self._surplus[-len(of_uses) :] *= softness

    def improve(self, questions: Indices, rng: np.random.RandomState) -> int:
        """Make those changes of the questions that help; return how many."""
        import numpy as np

        rows, slots, columns = self._changes(questions, rng)
        if not len(rows):
            return 0
        proposed = self.chosen[rows]
        proposed[np.arange(len(rows)), slots] = columns
        gains = np.column_stack(
            [
                self._static_hits(rows, proposed) - self._static[rows],
                *(
                    options.replacing(rows, slots, numbers[rows, columns])
                    for options, (numbers, _) in zip(self._options, self._numbered, strict=True)
                ),
                *(
                    soft.replacing(rows, slots, numbers[rows, columns])
                    for soft, (numbers, _) in zip(self._soft, self._numbered, strict=True)
                ),
            ]
        )
        before = self._penalty(self._surplus)
        sums = self._penalty(self._surplus + gains) - before
        order = np.argsort(sums, kind="stable")
        best = self._apart(order[: int((sums < 0).sum())], rows, slots, columns)
        after = self._surplus + np.cumsum(np.vstack([np.zeros_like(self._surplus), gains[best]]), axis=0)
        best = best[: int(np.argmin(self._penalty(after)))]
        self.chosen[rows[best], slots[best]] = columns[best]
        self._static[rows[best]] = self._static_hits(rows[best], self.chosen[rows[best]])
        return len(best)

    def _changes(self, questions: Indices, rng: np.random.RandomState) -> tuple[Indices, Indices, Indices]:
        """Return all changes of one value of the questions: the questions, the slots (1 to 3) and the values."""
        import numpy as np

        chosen = self.chosen[questions]
        is_chosen = np.zeros(self._values[questions].shape, dtype=bool)
        np.put_along_axis(is_chosen, chosen, True, axis=1)
        sides, is_preferred = self._sides[questions], self._is_preferred[questions]
        allowed = ~is_chosen[:, None] & (sides[:, None] == np.take_along_axis(sides, chosen, axis=1)[..., None])
        allowed &= is_preferred[:, None] | ~np.take_along_axis(is_preferred, chosen, axis=1)[..., None]
        allowed[:, 0] = False
        places, slots, columns = np.nonzero(allowed)
        if len(places) > (most := max(_FEWEST_CHANGES, _CHANGES * len(questions))):
            drawn = np.sort(rng.permutation(len(places))[:most])
            places, slots, columns = places[drawn], slots[drawn], columns[drawn]
        return questions[places], slots, columns

    def _apart(self, best: Indices, rows: Indices, slots: Indices, columns: Indices) -> Indices:
        """Return those changes of which no earlier one has the same question or value."""
        import numpy as np

        numbers, times = self._numbered[0][0], self._times
        members = np.column_stack(
            [numbers[rows[best], self.chosen[rows[best], slots[best]]], numbers[rows[best], columns[best]]]
        )
        members = np.where(times[members] > _MANY_USES, len(times) + np.arange(members.size).reshape(members.shape), members)
        best = best[each_once(members)]
        kept: Indices = best[each_once(rows[best, None])]
        return kept

    def _penalty(self, surplus: Scores) -> Scores:
        # The fourth power keeps a single cue from staying far off while the others improve.
        penalty: Scores = ((surplus / len(self.chosen) / AIM) ** 4).sum(axis=-1)
        return penalty

    def _static_hits(self, rows: Indices, chosen: Indices) -> Scores:
        """Return [rows, cues]: the probability that each cue of texts and of values finds the true value among the chosen ones."""
        import numpy as np

        texts = self._texts[:, rows[:, None], chosen]
        hits: Scores = answer_hits(np.concatenate([texts, number_scores(self._values[rows[:, None], chosen])])).T
        return hits


def _numbered(pools: Sequence[Pool], others: Uses, most: int) -> list[tuple[Indices, Indices]]:
    """Return the numbers of texts, [questions, values], and how often others have each; languages with the same numbers once."""
    import numpy as np

    found: dict[tuple[bytes, bytes], tuple[Indices, Indices]] = {}
    for lang in pools[0].texts:
        known: dict[str, int] = {}
        numbers = np.zeros((len(pools), most), dtype=np.intp)
        for index, pool in enumerate(pools):
            numbers[index, : len(pool.values)] = [known.setdefault(text, len(known)) for text in pool.texts[lang]]
        outside = np.array([others[lang][text] for text in known], dtype=np.intp)
        found[numbers.tobytes(), outside.tobytes()] = numbers, outside
    return list(found.values())
