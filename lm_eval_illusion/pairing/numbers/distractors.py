"""Distractors for answers with a number: three other values, chosen so that the options alone do not give the true value away."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lm_eval_illusion.pairing.numbers.changes import (
    ChangeableNumber,
    TrueValues,
    draw_values,
    drawable,
    find_changeable,
    possible_values,
    ranks,
)
from lm_eval_illusion.pairing.numbers.spans import digits_in
from lm_eval_illusion.pairing.option_rules import RightAnswers, is_valid_distractor
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion
from lm_eval_illusion.pairing.surface_cues import answer_hits, surface_scores

if TYPE_CHECKING:
    from lm_eval_illusion.pairing.arrays import Scores
    from lm_eval_illusion.pairing.surface_cues import CharactersByLanguage

DRAWS = 30
"""Random draws of three values per question, of which the best is taken."""


@dataclass(frozen=True)
class _Candidate:
    """A question, its number, and the values that the number may be changed to; those of its passage are preferred."""

    question: ParallelQuestion
    number: ChangeableNumber
    values: list[int]
    preferred: frozenset[int]

    def options(self, values: Sequence[int]) -> list[Option]:
        return [self.number.with_value(value) for value in values]

    def excess(self, draws: Sequence[Sequence[int]], characters: CharactersByLanguage) -> Scores:
        """Return [draws, languages x cues]: the probability that the true option scores highest by a surface cue, minus a quarter.

        `draws`: three of `values` each. The score of every value is computed once, although many draws have it.
        """
        import numpy as np

        column = {value: 1 + index for index, value in enumerate(self.values)}
        # The true option first.
        drawn = np.array([[0, *(column[value] for value in values)] for values in draws])
        options = self.options(self.values)
        hits = []
        for lang, answer in self.question.answers.items():
            scores = surface_scores([answer, *(option[lang] for option in options)], characters[lang])
            in_draws = scores[:, drawn]
            hits.append(answer_hits(in_draws.reshape(-1, drawn.shape[1])).reshape(len(scores), len(draws)))
        excess: Scores = np.concatenate(hits).T - 0.25
        return excess

    def preferred_count(self, rank: int) -> int:
        """Return how many of three distractors can be values of the passage if the true value has this rank."""
        below = sum(value < self.number.value for value in self.values if value in self.preferred)
        above = sum(value > self.number.value for value in self.values if value in self.preferred)
        return min(rank, below) + min(3 - rank, above)


class NumberDistractors:
    """The questions whose answer is a number or a date that occurs once in every language and can be changed.

    The form of the answer decides, whatever the source calls its type.
    """

    def __init__(self, questions: Sequence[ParallelQuestion], answer_key: RightAnswers) -> None:
        self._candidates = _candidates(questions, answer_key)

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the questions that have three other values."""
        return frozenset(self._candidates)

    def options(self, ids: Collection[str], characters: CharactersByLanguage, rng: random.Random) -> dict[str, list[Option]]:
        """Choose three distractors for each of the questions `ids` that can have them.

        The true value has each rank among the four equally often. Of `DRAWS` draws, the best one is taken: after it, the shares of
        questions whose true option is the likeliest, the longest or the shortest are closest to a quarter.

        Args:
            ids: The questions that need distractors.
            characters: The frequencies of characters in each language, for the likelihood of an option.
            rng: Source of the draws.

        Returns:
            id -> three options.
        """
        candidates = {question_id: candidate for question_id, candidate in self._candidates.items() if question_id in ids}
        chosen: dict[str, list[Option]] = {}
        surplus: dict[frozenset[str], Scores] = {}
        for question_id, rank in _balanced_ranks(candidates).items():
            candidate = candidates[question_id]
            truth, languages = candidate.number.value, candidate.question.languages
            draws = [draw_values(candidate.values, truth, rank, candidate.preferred, rng) for _ in range(DRAWS)]
            sums = candidate.excess(draws, characters) + surplus.get(languages, 0.0)
            best = min(range(DRAWS), key=lambda draw: float((sums[draw] ** 2).sum()))
            chosen[question_id], surplus[languages] = candidate.options(draws[best]), sums[best]
        return chosen


def _candidates(questions: Sequence[ParallelQuestion], answer_key: RightAnswers) -> dict[str, _Candidate]:
    numbers = {q.id: list(find_changeable(q.answers)) for q in questions if q.has_number}
    true_values = TrueValues(number.value for found in numbers.values() for number in found[:1])
    candidates = {q.id: _candidate(q, numbers[q.id], true_values, answer_key) for q in questions if q.id in numbers}
    return {question_id: candidate for question_id, candidate in candidates.items() if candidate is not None}


def _candidate(
    question: ParallelQuestion, numbers: Sequence[ChangeableNumber], true_values: TrueValues, answer_key: RightAnswers
) -> _Candidate | None:
    """Take the first number that has three other values, with the same plural form if possible."""
    for keep_plural in (True, False):
        for number in numbers:
            preferred = _in_passages(question, number)
            values = possible_values(number, preferred, true_values, keep_plural)

            def is_valid(value: int, number: ChangeableNumber = number) -> bool:
                return is_valid_distractor(number.with_value(value), question, answer_key)

            values = drawable(values, number.value, preferred, is_valid)
            if ranks(values, number.value):
                return _Candidate(question, number, values, preferred)
    return None


def _in_passages(question: ParallelQuestion, number: ChangeableNumber) -> frozenset[int]:
    """Return the numbers of as many digits that occur in the passage of every language."""
    shared = frozenset.intersection(*(digits_in(translation.context) for translation in question.by_lang.values()))
    return frozenset(int(digits) for digits in shared if len(digits) == len(number.digits))


def _balanced_ranks(candidates: Mapping[str, _Candidate]) -> dict[str, int]:
    """Choose the rank of the true value for each question; questions with the fewest possible ranks choose first.

    Each takes the rank that is least used in its languages, then the one with which most values of the passage can be distractors.
    """
    possible = {question_id: ranks(candidate.values, candidate.number.value) for question_id, candidate in candidates.items()}
    used: Counter[tuple[str, int]] = Counter()
    chosen = {}
    for question_id in sorted(possible, key=lambda candidate_id: (len(possible[candidate_id]), candidate_id)):
        candidate = candidates[question_id]
        uses = {rank: sum(used[lang, rank] for lang in candidate.question.languages) for rank in possible[question_id]}
        chosen[question_id] = min(uses, key=lambda rank: (uses[rank], -candidate.preferred_count(rank), rank))
        used.update((lang, chosen[question_id]) for lang in candidate.question.languages)
    return chosen
