"""Distractors for the bundles whose number can be changed, chosen so that nothing about the values alone gives the truth away."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lm_eval_illusion.pairing.numbers.changes import (
    Changeable,
    draw_values,
    find_changeable,
    possible_values,
    ranks,
)
from lm_eval_illusion.pairing.numbers.spans import digits_in
from lm_eval_illusion.pairing.option_rules import RightAnswers, is_valid_distractor
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion
from lm_eval_illusion.pairing.surface_cues import answer_hits, surface_scores

if TYPE_CHECKING:
    from lm_eval_illusion.pairing.assignment import Scores
    from lm_eval_illusion.pairing.surface_cues import CharactersByLanguage

DRAWS = 30


@dataclass(frozen=True)
class _Candidate:
    """A bundle with the values that its number may be changed to; `wanted` ones stand in its passage."""

    bundle: ParallelQuestion
    number: Changeable
    values: list[int]
    wanted: frozenset[int]

    def options(self, values: Sequence[int]) -> list[Option]:
        return [self.number.with_value(value) for value in values]

    def wanted_at(self, rank: int) -> int:
        """How many distractors can be values of the passage, where the truth has this rank among the four."""
        below = sum(value < self.number.value for value in self.values if value in self.wanted)
        above = sum(value > self.number.value for value in self.values if value in self.wanted)
        return min(rank, below) + min(3 - rank, above)


class NumberDistractors:
    """The bundles of type number or date in which a number stands once in every language and can be changed."""

    def __init__(self, bundles: Sequence[ParallelQuestion], known: RightAnswers) -> None:
        self._candidates = _candidates(bundles, known)

    @property
    def ids(self) -> frozenset[str]:
        """Those for which the rules leave three other values."""
        return frozenset(self._candidates)

    def options(self, ids: Collection[str], characters: CharactersByLanguage, rng: random.Random) -> dict[str, list[Option]]:
        """id -> three options, for those of `ids` that can have them.

        The truth is the least, second, third and greatest value equally often, and of several draws the one is taken after which the
        likeliest, the longest and the shortest option have been the truth most nearly a quarter of the time.
        """
        candidates = {one_id: candidate for one_id, candidate in self._candidates.items() if one_id in ids}
        chosen: dict[str, list[Option]] = {}
        surplus: dict[frozenset[str], Scores] = {}
        for one_id, rank in _balanced_ranks(candidates).items():
            candidate = candidates[one_id]
            truth, languages = candidate.number.value, candidate.bundle.languages
            draws = [draw_values(candidate.values, truth, rank, candidate.wanted, rng) for _ in range(DRAWS)]
            tried = [candidate.options(values) for values in draws]
            sums = [_excess(options, candidate.bundle, characters) + surplus.get(languages, 0.0) for options in tried]
            best = min(range(DRAWS), key=lambda draw: float((sums[draw] ** 2).sum()))
            chosen[one_id], surplus[languages] = tried[best], sums[best]
        return chosen


def _candidates(bundles: Sequence[ParallelQuestion], known: RightAnswers) -> dict[str, _Candidate]:
    numbers = {b.id: list(find_changeable(b.answers)) for b in bundles if b.answer_type in ("number", "date")}
    truths = frozenset(number.value for found in numbers.values() for number in found[:1])
    candidates = {b.id: _candidate(b, numbers[b.id], truths, known) for b in bundles if b.id in numbers}
    return {one_id: candidate for one_id, candidate in candidates.items() if candidate is not None}


def _candidate(
    bundle: ParallelQuestion, numbers: Sequence[Changeable], truths: frozenset[int], known: RightAnswers
) -> _Candidate | None:
    """With the first number that has three other values; the form of the plural is kept if it can be."""
    for keep_plural in (True, False):
        for number in numbers:
            wanted = _in_passages(bundle, number)
            values = possible_values(number, wanted, truths, keep_plural)
            values = [value for value in values if is_valid_distractor(number.with_value(value), bundle, known)]
            if ranks(values, number.value):
                return _Candidate(bundle, number, values, wanted)
    return None


def _in_passages(bundle: ParallelQuestion, number: Changeable) -> frozenset[int]:
    """Numbers of as many digits that stand in the passage of every language."""
    shared = frozenset.intersection(*(digits_in(question.context) for question in bundle.by_lang.values()))
    return frozenset(int(digits) for digits in shared if len(digits) == len(number.digits))


def _balanced_ranks(candidates: Mapping[str, _Candidate]) -> dict[str, int]:
    """A rank for each, the least used in its languages first, then the one that most values of the passage fit; those with the least choice
    choose first.
    """
    possible = {one_id: ranks(candidate.values, candidate.number.value) for one_id, candidate in candidates.items()}
    used: Counter[tuple[str, int]] = Counter()
    chosen = {}
    for one_id in sorted(possible, key=lambda one: (len(possible[one]), one)):
        candidate = candidates[one_id]
        uses = {rank: sum(used[lang, rank] for lang in candidate.bundle.languages) for rank in possible[one_id]}
        chosen[one_id] = min(uses, key=lambda rank: (uses[rank], -candidate.wanted_at(rank), rank))
        used.update((lang, chosen[one_id]) for lang in candidate.bundle.languages)
    return chosen


def _excess(options: Sequence[Option], bundle: ParallelQuestion, characters: CharactersByLanguage) -> Scores:
    """[languages x looks]: how much more than a quarter the truth is the highest by each look."""
    import numpy as np

    of_language = [
        answer_hits(surface_scores([answer, *(option[lang] for option in options)], characters[lang]))
        for lang, answer in bundle.answers.items()
    ]
    return np.concatenate(of_language) - 0.25
