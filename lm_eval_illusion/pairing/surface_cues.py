"""Surface cues: features of the options alone (length, character likelihood) that could reveal the answer without the question.

Donors are exchanged between questions until guessing by any cue ("the longest option") is right for 25 % of the questions, as by chance.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from lm_eval_illusion.pairing.assignment import ROUNDS, Rows, are_compatible, with_donor

if TYPE_CHECKING:
    from lm_eval_illusion.pairing.assignment import Overlaps, Scores

CharactersByLanguage = Mapping[str, Counter[str]]
"""Language -> how often each character occurs in the answers."""

COST_LIMITS = (0.5, 1.0, 2.0)
"""Limits, used one after the other, of the cost that an exchange may add to its two rows."""
PROPOSALS_PER_ROW = 300
"""Exchanges tried at each cost limit, per balanced row."""
PATIENCE_PER_ROW = 40
"""Exchanges rejected one after the other, per balanced row, before a cost limit is given up."""
TOLERANCE = 0.02
"""Largest accepted difference between 25 % and the share of right guesses by any cue."""


def count_characters(answers: Iterable[Mapping[str, str]]) -> CharactersByLanguage:
    """Count the characters of the answers in each language. `answers`: mappings language -> answer."""
    characters: dict[str, Counter[str]] = defaultdict(Counter)
    for by_lang in answers:
        for lang, answer in by_lang.items():
            characters[lang].update(answer)
    return characters


def surface_scores(texts: Sequence[str], counts: Counter[str]) -> Scores:
    """Return the scores of texts by each cue, [4 cues, texts].

    The cues: length in characters, negative length, and the log-likelihood of the characters under `counts`, as a sum and per character.
    """
    import numpy as np

    total = counts.total() + 1  # An unseen character counts as one.
    logarithms = {character: math.log(max(1, counts[character]) / total) for character in set().union(*texts)}
    likelihoods = [sum(map(logarithms.__getitem__, text)) for text in texts]
    lengths = [len(text) for text in texts]
    return np.array(
        [
            lengths,
            [-length for length in lengths],
            likelihoods,
            [likelihood / length for likelihood, length in zip(likelihoods, lengths, strict=True)],
        ],
        dtype=float,
    )


def answer_hits(scores: Scores) -> Scores:
    """Return for each cue the probability that the option with the highest score is the answer: 1, 0, or 1/k in a tie of k options.

    Args:
        scores: [cues, 4], the score of the answer first.

    Returns:
        [cues].
    """
    import numpy as np

    best = scores.max(axis=1, keepdims=True)
    # As `np.isclose`, which takes five times as long: a pairing makes hundreds of thousands of these tests.
    highest = np.abs(scores - best) <= 1e-8 + 1e-5 * np.abs(best)
    hits: Scores = highest[:, 0] / highest.sum(axis=1)
    return hits


def balance_surface_cues(
    rows: Rows, balanced: Collection[int], scores: Scores, costs: Scores, overlaps: Overlaps, rng: random.Random
) -> None:
    """Exchange donors in `rows`, in place, until each cue finds the answer for 25 % of the rows `balanced`.

    Other rows with all their donors may take part in an exchange but are not counted. An exchange must keep the rules, cost little and
    bring the shares nearer to 25 %. It does not change how often a donor is used.

    Args:
        rows: The donors of each question, from `assign_donors`.
        balanced: The indices of the questions that become items.
        scores: [cues, n], the score of each question's answer by each cue.
        costs: [n, n], question by donor.
        overlaps: [n, n], donor by donor.
        rng: The source of proposals.
    """
    complete_rows = [row for row, donors in enumerate(rows) if len(donors) == ROUNDS]
    balanced_rows = [row for row in complete_rows if row in balanced]
    if len(complete_rows) < 2 or not balanced_rows:
        return
    balance = _CueBalance(rows, balanced_rows, scores, costs, overlaps)
    for cost_limit in COST_LIMITS:
        rejected = 0
        for _ in range(PROPOSALS_PER_ROW * len(balanced_rows)):
            if balance.is_reached or rejected > PATIENCE_PER_ROW * len(balanced_rows):
                break
            row, other_row = rng.choice(balanced_rows), rng.choice(complete_rows)
            is_exchanged = row != other_row and balance.exchange(
                row, other_row, rng.randrange(ROUNDS), rng.randrange(ROUNDS), cost_limit
            )
            rejected = 0 if is_exchanged else rejected + 1


class _CueBalance:
    """The rows, and for each cue its surplus: the balanced rows whose answer it finds, minus a quarter of the balanced rows."""

    def __init__(self, rows: Rows, balanced: Collection[int], scores: Scores, costs: Scores, overlaps: Overlaps) -> None:
        import numpy as np

        self._rows, self._scores, self._costs, self._overlaps = rows, scores, costs, overlaps
        self._hits = {row: self._hits_with(row, rows[row]) for row in balanced}
        self._surplus: Scores = np.sum(list(self._hits.values()), axis=0) - len(balanced) / 4

    @property
    def is_reached(self) -> bool:
        return bool(abs(self._surplus).max() <= TOLERANCE * len(self._hits))

    def exchange(self, row: int, other_row: int, index: int, other_index: int, cost_limit: float) -> bool:
        """Exchange two donors if rules and cost limit allow it and the balance improves; return whether it was done."""
        donors = with_donor(self._rows[row], index, self._rows[other_row][other_index])
        other_donors = with_donor(self._rows[other_row], other_index, self._rows[row][index])
        if self._extra_cost(row, donors) + self._extra_cost(other_row, other_donors) > cost_limit:
            return False
        if not (are_compatible(donors, self._overlaps) and are_compatible(other_donors, self._overlaps)):
            return False
        proposed = ((row, donors), (other_row, other_donors))
        hits = {changed: self._hits_with(changed, new) for changed, new in proposed if changed in self._hits}
        surplus = self._surplus + sum(new - self._hits[changed] for changed, new in hits.items())
        is_better = _imbalance(surplus) < _imbalance(self._surplus)
        if is_better:
            self._rows[row], self._rows[other_row], self._surplus = donors, other_donors, surplus
            self._hits |= hits
        return is_better

    def _extra_cost(self, row: int, donors: list[int]) -> float:
        return float(self._costs[row, donors].sum() - self._costs[row, self._rows[row]].sum())

    def _hits_with(self, row: int, donors: list[int]) -> Scores:
        return answer_hits(self._scores[:, [row, *donors]])


def _imbalance(surplus: Scores) -> float:
    # The fourth power keeps any single cue of any language from staying far off while the others improve.
    return float((surplus**4).sum())
