"""Distractors for answers with a number: three other values, chosen so that the options alone do not give the true value away."""

from __future__ import annotations

import random
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from lm_eval_illusion.matching.text.normalize import compact
from lm_eval_illusion.pairing.numbers.changes import (
    YEARS,
    ChangeableNumber,
    TrueValues,
    drawable,
    find_changeable,
    possible_values,
    ranks,
)
from lm_eval_illusion.pairing.numbers.draws import Drawn, draw, excess_of
from lm_eval_illusion.pairing.numbers.spans import digits_in
from lm_eval_illusion.pairing.numbers.use_balance import Pool, balance_uses
from lm_eval_illusion.pairing.option_rules import RightAnswers, is_valid_distractor, overlaps
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion
from lm_eval_illusion.pairing.surface_cues import surface_scores

if TYPE_CHECKING:
    from lm_eval_illusion.pairing.arrays import Scores
    from lm_eval_illusion.pairing.surface_cues import CharactersByLanguage


_TOGETHER = 500
"""Questions whose draws are scored at once: more take more memory and no less time."""


@dataclass(frozen=True)
class _Candidate:
    """A question, its number, and the values that the number may be changed to; those of its passage are preferred."""

    question: ParallelQuestion
    number: ChangeableNumber
    values: list[int]
    preferred: frozenset[int]

    def options(self, values: Sequence[int]) -> list[Option]:
        return [self.number.with_value(value) for value in values]

    def pool(self, drawn_from: Sequence[int], characters: CharactersByLanguage) -> Pool:
        """Return the values with their texts and the scores of these, [languages x cues, values]; first those that draws take."""
        import numpy as np

        values = [*drawn_from, *(value for value in self.values if value not in drawn_from)]
        options = self.options(values)
        texts = {lang: [option[lang] for option in options] for lang in self.question.answers}
        scores = np.concatenate([surface_scores(of_lang, characters[lang]) for lang, of_lang in texts.items()])
        return Pool(values, [], self.preferred, scores, texts)

    def preferred_count(self, rank: int) -> int:
        """Return how many of three distractors can be values of the passage if the true value has this rank."""
        if not self.preferred:
            return 0
        below = sum(value < self.number.value for value in self.values if value in self.preferred)
        above = sum(value > self.number.value for value in self.values if value in self.preferred)
        return min(rank, below) + min(3 - rank, above)


class NumberDistractors:
    """The questions whose answer is a number or a date that occurs once in every language and can be changed.

    The form of the answer decides, whatever the source calls its type.
    """

    def __init__(
        self, questions: Sequence[ParallelQuestion], answer_key: RightAnswers, examples: Sequence[ParallelQuestion] = ()
    ) -> None:
        """Find the values of each question. `examples`: the one-shot examples, of which the options leave one for each question."""
        self._candidates = _candidates(questions, answer_key, examples)

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the questions that have three other values."""
        return frozenset(self._candidates)

    def options(
        self, ids: Collection[str], characters: CharactersByLanguage, rng: random.Random, others: Iterable[Option] = ()
    ) -> dict[str, list[Option]]:
        """Choose three distractors for each of the questions `ids` that can have them.

        The true value has each rank among the four equally often. Of many draws the best one is taken: after it, the shares of questions
        whose true value is found by a cue of its text (`surface_cues`) or of its value (`number_cues`) are closest to a quarter.
        Then single values are changed so that how often the file has them tells nothing (`use_balance`).

        Args:
            ids: The questions that need distractors.
            characters: The frequencies of characters in each language, for the likelihood of an option.
            rng: Source of the draws.
            others: The answers and options of the file's other questions.

        Returns:
            id -> three options.
        """
        candidates = {question_id: candidate for question_id, candidate in self._candidates.items() if question_id in ids}
        of_languages: dict[frozenset[str], list[str]] = defaultdict(list)
        drawn: dict[str, Drawn] = {}
        for question_id, rank in _balanced_ranks(candidates).items():
            candidate = candidates[question_id]
            drawn[question_id] = draw(candidate.values, candidate.number.value, rank, candidate.preferred, rng)
            of_languages[candidate.question.languages].append(question_id)
        pools: dict[str, Pool] = {}
        for members in of_languages.values():
            surplus: Scores | None = None
            for start in range(0, len(members), _TOGETHER):
                batch = members[start : start + _TOGETHER]
                found = [candidates[one].pool(drawn[one].values, characters) for one in batch]
                surface = [pool.surface for pool in found]
                best, surplus = _best_draws(excess_of([drawn[one] for one in batch], surface), surplus)
                for one, pool, row in zip(batch, found, best, strict=True):
                    pools[one] = replace(pool, row=drawn[one].rows[row].tolist())
        groups = list(of_languages.values())
        rows = balance_uses([[pools[one] for one in members] for members in groups], others, rng.randrange(2**32))
        return {
            one: [{lang: texts[index] for lang, texts in pools[one].texts.items()} for index in row]
            for one, row in zip(chain.from_iterable(groups), rows, strict=True)
        }


def _best_draws(excess: Scores, surplus: Scores | None) -> tuple[list[int], Scores]:
    """Choose a draw for each question in turn, so that no cue finds the true values more or less often than by chance.

    Args:
        excess: [questions, draws, cues], as from `excess_of`.
        surplus: [cues], the sum of the excess of the draws chosen before; None for none.

    Returns:
        The index of a draw for each question, and the surplus after them.
    """
    import numpy as np

    best = []
    so_far: Scores = np.zeros(excess.shape[-1]) if surplus is None else surplus
    for of_question in excess:
        sums = of_question + so_far
        best.append(int(np.einsum("ij,ij->i", sums, sums).argmin()))
        so_far = sums[best[-1]]
    return best, so_far


def _candidates(
    questions: Sequence[ParallelQuestion], answer_key: RightAnswers, examples: Sequence[ParallelQuestion]
) -> dict[str, _Candidate]:
    numbers = {q.id: list(find_changeable(q.answers)) for q in questions if q.has_number}
    true_values = TrueValues(number.value for found in numbers.values() for number in found[:1])
    candidates = {
        q.id: _candidate(q, numbers[q.id], true_values, answer_key, _free_for_example(q, examples))
        for q in questions
        if q.id in numbers
    }
    return {question_id: candidate for question_id, candidate in candidates.items() if candidate is not None}


def _free_for_example(question: ParallelQuestion, examples: Sequence[ParallelQuestion]) -> Option:
    """Return the answer of one example in each language, which no option should have: the item could not have this example.

    The id decides which one, so that the answer of every example remains an option of some items.
    """
    draw, found = zlib.crc32(question.id.encode()), {}
    for lang, translation in question.by_lang.items():
        shown = [
            example.by_lang[lang].answer
            for example in examples
            if lang in example.by_lang
            and not (translation.context and example.by_lang[lang].context == translation.context)
            and compact(example.by_lang[lang].answer, lang) != compact(translation.answer, lang)
        ]
        if shown:
            found[lang] = compact(shown[draw % len(shown)], lang)
    return found


def _candidate(
    question: ParallelQuestion,
    numbers: Sequence[ChangeableNumber],
    true_values: TrueValues,
    answer_key: RightAnswers,
    free: Mapping[str, str],
) -> _Candidate | None:
    """Take the first number that has three other values, if possible with the same plural form and without the answers `free`."""
    for keep_plural, avoids in ((True, True), (True, False), (False, True), (False, False)):
        for number in numbers:
            preferred = _in_passages(question, number)
            values = possible_values(number, preferred, true_values, keep_plural, question.form == "date")

            def is_valid(value: int, number: ChangeableNumber = number, avoids: bool = avoids) -> bool:
                option = number.with_value(value)
                if avoids and any(compact(option[lang], lang) == text for lang, text in free.items()):
                    return False
                return is_valid_distractor(option, question, answer_key)

            values = _apart(number, drawable(values, number.value, preferred, is_valid, true_values))
            if ranks(values, number.value):
                return _Candidate(question, number, values, preferred)
    return None


def _apart(number: ChangeableNumber, values: Sequence[int]) -> list[int]:
    """Return the values none of which contains another one, the nearest first kept: in words, the Russian 18 contains 17."""
    if not any(written.is_spelled for written in number.written.values()):
        # In as many digits none does.
        return list(values)
    kept: dict[int, Option] = {}
    for value in sorted(values, key=lambda value: abs(value - number.value)):
        option = number.with_value(value)
        if not any(
            overlaps(compact(option[lang], lang), [compact(other[lang], lang)]) for other in kept.values() for lang in option
        ):
            kept[value] = option
    return sorted(kept)


def _in_passages(question: ParallelQuestion, number: ChangeableNumber) -> frozenset[int]:
    """Return the numbers of as many digits that occur in the passage of every language; beside 2813 no years."""
    is_like_year = number.value in YEARS
    shared = frozenset.intersection(*(digits_in(translation.context) for translation in question.by_lang.values()))
    found = (int(digits) for digits in shared if len(digits) == len(number.digits))
    return frozenset(value for value in found if len(number.digits) != 4 or (value in YEARS) == is_like_year)


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
