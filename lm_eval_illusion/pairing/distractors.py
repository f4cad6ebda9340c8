"""Three distractors for each question, the same in all its languages: first who can have them, then which ones those asked get.

Numbers and dates are changed, other answers lend each other theirs.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from functools import partial

from lm_eval_illusion.pairing.asked import Asked
from lm_eval_illusion.pairing.assignment import ROUNDS
from lm_eval_illusion.pairing.bundles import Bundle, Option
from lm_eval_illusion.pairing.costs import cost_of, misshapen
from lm_eval_illusion.pairing.lending import Lenders, groups_of
from lm_eval_illusion.pairing.looks import count_characters
from lm_eval_illusion.pairing.number_distractors import NumberDistractors
from lm_eval_illusion.pairing.rules import RightAnswers


class Distractors:
    """What can stand beside the answers of `bundles`. Equal input and seed give equal output."""

    def __init__(self, bundles: Sequence[Bundle], known: RightAnswers, seed: int) -> None:
        self._seed = seed
        self._characters = count_characters(bundle.answers for bundle in bundles)
        self._numbers = NumberDistractors(bundles, known)
        cost = partial(cost_of, known=known, asked=Asked(bundles))
        self._groups = list(groups_of((one for one in bundles if one.id not in self._numbers.ids), cost, seed))
        lenders = Lenders(bundles, cost, known)
        drafted = [(bundle, options) for group in self._groups for bundle, options in group.drafted()]
        filled = {one.id: lenders.fill(one, options) for one, options in drafted if len(options) < ROUNDS}
        self._filled = {one_id: options for one_id, options in filled.items() if len(options) == ROUNDS}
        whole = {bundle.id: self._filled.get(bundle.id, options) for bundle, options in drafted}
        self._lent = {bundle.id: (bundle, whole[bundle.id]) for bundle, _ in drafted if len(whole[bundle.id]) == ROUNDS}

    @property
    def ids(self) -> frozenset[str]:
        """Those for which the rules leave three."""
        return self._numbers.ids | self._lent.keys()

    @property
    def misfits(self) -> dict[str, float]:
        """id -> the share of numbers of another format beside it, for answers that are numbers and are lent some."""
        numbers = {one_id: lent for one_id, lent in self._lent.items() if lent[0].answer_type in ("number", "date")}
        shares = {one_id: sum(misshapen(o, bundle) for o in options) / ROUNDS for one_id, (bundle, options) in numbers.items()}
        return {one_id: share for one_id, share in shares.items() if share}

    def options(self, ids: Collection[str]) -> dict[str, list[Option]]:
        """id -> three options, for those of `ids` that can have them, chosen so that nothing in their look gives the answers away."""
        chosen = self._numbers.options(ids, self._characters, random.Random(f"{self._seed} numbers"))
        for group in self._groups:
            chosen |= group.options(ids, self._characters)
        return chosen | {one_id: options for one_id, options in self._filled.items() if one_id in ids}
