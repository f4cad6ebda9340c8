"""Swapping donors until nothing in the look of the options tells the answer: pure arithmetic over the rows of `assignment`.

Options judged by their look alone, question unseen: what must not tell the answer from the distractors.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from lm_eval_illusion.pairing.assignment import ROUNDS, Clash, Rows, replaced, stand_together

if TYPE_CHECKING:
    from lm_eval_illusion.pairing.assignment import Scores

    CharactersByLanguage = Mapping[str, Counter[str]]


def count_characters(answers: Iterable[Mapping[str, str]]) -> CharactersByLanguage:
    """How often each character stands in the answers of each language. `answers`: language -> answer."""
    characters: dict[str, Counter[str]] = defaultdict(Counter)
    for by_lang in answers:
        for lang, answer in by_lang.items():
            characters[lang].update(answer)
    return characters


def look_scores(texts: Sequence[str], counts: Counter[str]) -> Scores:
    """[4, texts]: length, shortness, and log-likelihood under the `counts` of characters, in sum and per character."""
    import numpy as np

    total = counts.total() + 1  # an unseen character counts as one
    likelihood = [sum(math.log(max(1, counts[character]) / total) for character in text) for text in texts]
    lengths = [len(text) for text in texts]
    return np.array(
        [
            lengths,
            [-length for length in lengths],
            likelihood,
            [value / length for value, length in zip(likelihood, lengths, strict=True)],
        ],
        dtype=float,
    )


def answer_hits(scores: Scores) -> Scores:
    """[looks, 4], the answer's score first -> [looks], how far the answer is the highest; a tie is shared."""
    import numpy as np

    highest = np.isclose(scores, scores.max(axis=1, keepdims=True))
    hits: Scores = highest[:, 0] / highest.sum(axis=1)
    return hits


DEAREST_SWAPS = (0.5, 1.0, 2.0)
"""What a swap may cost; dearer ones are tried after cheaper ones."""
PROPOSALS, PATIENCE = 300, 40
"""Swaps tried, a row, at each price; and after how many in vain, a row, no more are."""
EVEN_ENOUGH = 0.02
"""How far from a quarter the share of any look may stay."""


def balance_surface_cues(
    rows: Rows, counted: Collection[int], looks: Scores, costs: Scores, clash: Clash, rng: random.Random
) -> None:
    """Swap donors until the answer has the highest score of the four a quarter of the time, by every look, over the `counted` rows.

    `looks`: [looks, n], the score of each answer by a rule that sees the option alone (its length, its likelihood). Whole rows that do not
    count may give and take, too. A swap must keep the rules and cost little; how often each donor lends does not change.
    """
    whole = [row for row, donors in enumerate(rows) if len(donors) == ROUNDS]
    evened = [row for row in whole if row in counted]
    if len(whole) < 2 or not evened:
        return
    evening = _Evening(rows, evened, looks, costs, clash)
    for dearest in DEAREST_SWAPS:
        in_vain = 0
        for _ in range(PROPOSALS * len(evened)):
            if evening.is_even or in_vain > PATIENCE * len(evened):
                break
            one, other = rng.choice(evened), rng.choice(whole)
            swapped = one != other and evening.swap(one, other, rng.randrange(ROUNDS), rng.randrange(ROUNDS), dearest)
            in_vain = 0 if swapped else in_vain + 1


class _Evening:
    """The rows and by how much the answers of the counted ones are the highest too often."""

    def __init__(self, rows: Rows, counted: Collection[int], looks: Scores, costs: Scores, clash: Clash) -> None:
        import numpy as np

        self._rows, self._looks, self._costs, self._clash = rows, looks, costs, clash
        self._hits = {row: self._hits_of(row, rows[row]) for row in counted}
        self._surplus: Scores = np.sum(list(self._hits.values()), axis=0) - len(counted) / 4

    @property
    def is_even(self) -> bool:
        return bool(abs(self._surplus).max() <= EVEN_ENOUGH * len(self._hits))

    def swap(self, one: int, other: int, place: int, its_place: int, dearest: float) -> bool:
        """Swap two donors if the rules and the price allow and it makes the looks more even."""
        mine = replaced(self._rows[one], place, self._rows[other][its_place])
        its = replaced(self._rows[other], its_place, self._rows[one][place])
        if self._dearer(one, mine) + self._dearer(other, its) > dearest:
            return False
        if not (stand_together(mine, self._clash) and stand_together(its, self._clash)):
            return False
        hits = {row: self._hits_of(row, donors) for row, donors in ((one, mine), (other, its)) if row in self._hits}
        surplus = self._surplus + sum(new - self._hits[row] for row, new in hits.items())
        is_better = _unevenness(surplus) < _unevenness(self._surplus)
        if is_better:
            self._rows[one], self._rows[other], self._surplus = mine, its, surplus
            self._hits |= hits
        return is_better

    def _dearer(self, row: int, donors: list[int]) -> float:
        return float(self._costs[row, donors].sum() - self._costs[row, self._rows[row]].sum())

    def _hits_of(self, row: int, donors: list[int]) -> Scores:
        return answer_hits(self._looks[:, [row, *donors]])


def _unevenness(surplus: Scores) -> float:
    # The fourth power: no look of any language is left far off for the sake of the others.
    return float((surplus**4).sum())
