"""Groups of questions that exchange their answers as distractors: the same answer type, the same languages, related topics.

Each answer is gold once and becomes a distractor three times in its group, so that an option is right in 25 % of its uses. If a group has
too few donors for a question, its options are completed from the pool of all questions of its answer type.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lm_eval_illusion.matching.text.normalize import compact
from lm_eval_illusion.pairing.assignment import FORBIDDEN, ROUNDS, Rows, assign_donors
from lm_eval_illusion.pairing.option_rules import RightAnswers, is_valid_distractor
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion, as_option
from lm_eval_illusion.pairing.surface_cues import CharactersByLanguage, balance_surface_cues, surface_scores

if TYPE_CHECKING:
    from lm_eval_illusion.pairing.assignment import Overlaps, Scores

MAX_GROUP_SIZE = 300
"""An assignment of n answers computes n x n costs: larger groups are split, with questions of one topic next to each other."""
RANDOM_COST = 0.1
"""The largest random addition to a cost, which breaks ties by the seed."""

Costs = Callable[[Sequence[ParallelQuestion], Sequence[ParallelQuestion]], "Iterable[Scores]"]
"""(questions, donors) -> for each question the costs of the donors, as `distractor_costs`."""


@dataclass(frozen=True)
class AnswerGroup:
    """Questions of one answer type in the same languages, and the donors assigned to each.

    `rows`: for each question the indices of its donors; short or empty where the rules allow too few. `costs` and `overlaps`: [n, n] as
    in `assignment`, [0, 0] if there are too few different answers. `seed`: of the exchanges in `balanced_options`.
    """

    questions: Sequence[ParallelQuestion]
    rows: Rows
    costs: Scores
    overlaps: Overlaps
    seed: str

    def options(self) -> list[list[Option]]:
        """Return the options of each question as assigned, before surface cues are balanced."""
        return self._options_for(self.rows)

    def balanced_options(self, ids: Collection[str], characters: CharactersByLanguage) -> dict[str, list[Option]]:
        """Balance the surface cues of the questions among `ids` that have three donors; return id -> three options for these."""
        selected = {
            row
            for row, (question, donors) in enumerate(zip(self.questions, self.rows, strict=True))
            if question.id in ids and len(donors) == ROUNDS
        }
        rows = [list(donors) for donors in self.rows]
        if selected:
            scores = self._surface_scores(characters)
            balance_surface_cues(rows, selected, scores, self.costs, self.overlaps, random.Random(self.seed))
        options = self._options_for(rows)
        return {self.questions[row].id: options[row] for row in sorted(selected)}

    def _options_for(self, rows: Rows) -> list[list[Option]]:
        """Return the options of each question for these donors."""
        candidates = [
            [as_option(self.questions[donor], question) for donor in donors]
            for question, donors in zip(self.questions, rows, strict=True)
        ]
        return [[option for option in options if option is not None] for options in candidates]

    def _surface_scores(self, characters: CharactersByLanguage) -> Scores:
        """Return the scores of each question's answer, [languages x cues, n]."""
        import numpy as np

        by_language = [
            surface_scores([question.answers[lang] for question in self.questions], characters[lang])
            for lang in sorted(self.questions[0].languages)
        ]
        return np.concatenate(by_language)


def group_answers(questions: Iterable[ParallelQuestion], costs_of: Costs, seed: int) -> list[AnswerGroup]:
    """Group questions by answer type and languages, at most MAX_GROUP_SIZE in a group, and assign donors in each."""
    by_type: dict[tuple[str, frozenset[str]], list[ParallelQuestion]] = defaultdict(list)
    for question in questions:
        by_type[question.answer_type, question.languages].append(question)
    groups = []
    for members in by_type.values():
        members.sort(key=lambda question: (question.topic, question.id))
        size = math.ceil(len(members) / math.ceil(len(members) / MAX_GROUP_SIZE))
        groups += [_assign_group(members[start : start + size], costs_of, seed) for start in range(0, len(members), size)]
    return groups


def _assign_group(questions: Sequence[ParallelQuestion], costs_of: Costs, seed: int) -> AnswerGroup:
    import numpy as np

    group_seed = f"{seed} {questions[0].id}"
    languages = sorted(questions[0].languages)
    answers = [_compact_answers(question, languages) for question in questions]
    rows: Rows = [[] for _ in questions]
    costs, overlapping = np.zeros((0, 0)), np.zeros((0, 0), dtype=bool)
    if len(set(answers)) > ROUNDS:
        rng = random.Random(group_seed)
        random_costs = np.array([[rng.random() for _ in questions] for _ in questions])
        costs = np.array(list(costs_of(questions, questions))) + RANDOM_COST * random_costs
        overlapping = _overlapping(answers)
        rows = assign_donors(costs, overlapping)
    return AnswerGroup(questions, rows, costs, overlapping, f"{group_seed} even")


def _compact_answers(question: ParallelQuestion, languages: Iterable[str]) -> tuple[str, ...]:
    """Return the question's answer in each of the languages, as answers are compared."""
    return tuple(compact(question.answers[lang], lang) for lang in languages)


def _overlapping(answers: Sequence[tuple[str, ...]]) -> Overlaps:
    """Return [n, n]: whether in any language one of two answers contains the other. `answers`: n tuples of one text per language."""
    import numpy as np

    result: Overlaps = np.eye(len(answers), dtype=bool)
    for texts in zip(*answers, strict=True):
        for index, text in enumerate(texts):
            result[index, :index] |= np.array([text in earlier or earlier in text for earlier in texts[:index]], dtype=bool)
    result |= result.T
    return result


def fill_from_pool(
    short: Iterable[tuple[ParallelQuestion, list[Option]]],
    pool: Sequence[ParallelQuestion],
    costs_of: Costs,
    answer_key: RightAnswers,
) -> dict[str, list[Option]]:
    """Complete the options of questions that have less than three with the cheapest valid answers of the pool.

    Donors are questions of the same answer type in at least the same languages.

    Args:
        short: Questions with the options that they have.
        pool: All questions that may be donors.
        costs_of: (questions, donors) -> for each question the costs of the donors.
        answer_key: The right answers of all questions.

    Returns:
        Question id -> its options; still less than three where the rules allow no more.
    """
    by_key: dict[tuple[str, frozenset[str]], list[tuple[ParallelQuestion, list[Option]]]] = defaultdict(list)
    for question, options in short:
        by_key[question.answer_type, question.languages].append((question, options))
    of_type: dict[str, list[ParallelQuestion]] = defaultdict(list)
    for question in pool:
        of_type[question.answer_type].append(question)
    filled = {}
    for (kind, languages), members in by_key.items():
        donors = _donors_with_different_answers(of_type[kind], languages)
        rows = costs_of([question for question, _ in members], donors)
        for (question, options), costs in zip(members, rows, strict=True):
            filled[question.id] = _fill(question, options, donors, costs, answer_key)
    return filled


def _donors_with_different_answers(pool: Iterable[ParallelQuestion], languages: frozenset[str]) -> list[ParallelQuestion]:
    """Return the possible donors in the order of their ids; of several donors with the same answers, only the first of the pool."""
    donors = [question for question in pool if question.languages >= languages]
    first_by_answers = {_compact_answers(question, sorted(languages)): question for question in reversed(donors)}
    return sorted(first_by_answers.values(), key=lambda question: question.id)


def _fill(
    question: ParallelQuestion,
    options: list[Option],
    donors: Sequence[ParallelQuestion],
    costs: Scores,
    answer_key: RightAnswers,
) -> list[Option]:
    """Return the options, completed from the donors, the cheapest first, as far as the rules allow."""
    filled = list(options)
    for index in costs.argsort(kind="stable").tolist():
        if len(filled) == ROUNDS or costs[index] >= FORBIDDEN:
            break
        option = as_option(donors[index], question)
        if option is not None and is_valid_distractor(option, question, answer_key, filled):
            filled.append(option)
    return filled
