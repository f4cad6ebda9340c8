"""Three distractors for each question, the same in all its languages.

A number or date gets changed values (`numbers.distractors`); any other answer gets answers of other questions (`donors`). This is
done in two steps, because the balance of surface cues depends on which questions become items:

1. `plan_distractors` finds for every question whether the rules allow three distractors.
2. `DistractorPlan.choose` chooses them for the questions that become items.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, compress
from typing import TYPE_CHECKING

from lm_eval_illusion.pairing.asked.kinds import AskedKinds
from lm_eval_illusion.pairing.donors.answer_table import AnswerTable
from lm_eval_illusion.pairing.donors.assignment import DISTRACTORS, assign
from lm_eval_illusion.pairing.donors.candidate_lists import CandidateLists, Report, find_candidates
from lm_eval_illusion.pairing.donors.cue_balance import Problem, balance
from lm_eval_illusion.pairing.numbers.distractors import NumberDistractors
from lm_eval_illusion.pairing.option_rules import RightAnswers
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion, as_option
from lm_eval_illusion.pairing.surface_cues import CharactersByLanguage, count_characters

if TYPE_CHECKING:
    from lm_eval_illusion.pairing.arrays import Indices

_ROWS_AT_ONCE = 2_000
"""Questions whose candidates are texts at the same time: those of all questions would take much memory."""


@dataclass(frozen=True)
class DistractorPlan:
    """The distractors that the rules allow for each question, before the items are selected.

    `questions`: all questions, sorted by id. `numbers`: those that get changed values. `candidates`: for each other question the answers
    that may be its options.
    """

    questions: Sequence[ParallelQuestion]
    numbers: NumberDistractors
    candidates: CandidateLists
    characters: CharactersByLanguage
    seed: int

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the questions for which the rules allow three distractors."""
        complete = self.candidates.rows[self.candidates.counts >= DISTRACTORS].tolist()
        return self.numbers.ids | {self.questions[row].id for row in complete}

    def choose(self, ids: Collection[str], report: Report | None = None) -> dict[str, list[Option]]:
        """Choose distractors for the questions among `ids` that can have them, and balance the surface cues over these questions.

        Returns id -> three distractors. `report`: called with (step, done, total) while this runs.
        """
        import numpy as np

        chosen: dict[str, list[Option]] = {}
        lists = self.candidates
        selected = frozenset(ids)
        is_item = np.array([question.id in selected for question in self.questions], dtype=bool)
        items = np.flatnonzero(is_item[lists.rows] & (lists.counts >= DISTRACTORS))
        right = np.bincount(lists.groups[is_item], minlength=len(self.questions) + 1)
        problem = Problem(
            tables=lists.tables,
            rows=lists.rows[items],
            donors=lists.donors[items],
            costs=lists.costs[items],
            alike=lists.alike[items],
            counts=lists.counts[items],
            groups=lists.groups,
            right=right,
        )
        columns = assign(problem.costs, problem.groups[problem.donors], right, lists.draws[problem.rows])
        told = partial(report, "balancing surface cues") if report is not None else None
        columns = balance(columns, problem, self.characters, self.seed, told)
        donors = np.take_along_axis(problem.donors, columns, axis=1)
        for row, row_donors in zip(problem.rows.tolist(), donors.tolist(), strict=True):
            chosen[self.questions[row].id] = self._options(row, row_donors)
        # An answer with a number that can't be changed may be lent, so that the file has it more often.
        numbers = self.numbers.ids
        answers = (question.answers for question in compress(self.questions, is_item) if question.id not in numbers)
        others = chain(answers, chain.from_iterable(chosen.values()))
        return self.numbers.options(ids, self.characters, random.Random(f"{self.seed} numbers"), others) | chosen

    def asked_otherwise(self, options: Mapping[str, Sequence[Option]]) -> frozenset[str]:
        """Return the ids of the questions that have an option whose question asks for another kind of thing.

        Numbers and dates that were changed are always of the asked kind.

        Args:
            options: Question id -> distractors, from `choose`.
        """
        import numpy as np

        lists = self.candidates
        found: set[str] = set()
        first_languages = [next(iter(self.questions[row].by_lang)) for row in lists.rows.tolist()]
        for table in lists.tables:
            # A donor is known by its text in the first language of the question.
            places = np.flatnonzero([lang == table.lang for lang in first_languages])
            for start in range(0, len(places), _ROWS_AT_ONCE):
                found |= self._asked_otherwise_in(table, places[start : start + _ROWS_AT_ONCE], options)
        return frozenset(found)

    def _asked_otherwise_in(self, table: AnswerTable, places: Indices, options: Mapping[str, Sequence[Option]]) -> set[str]:
        """Return those ids for some rows of the candidates, whose first language is that of the table."""
        import numpy as np

        lists, width = self.candidates, self.candidates.donors.shape[1]
        rows, donors = lists.rows[places], lists.donors[places]
        is_alike = lists.alike[places] & (np.arange(width) < lists.counts[places, None])
        texts = table.options(np.repeat(rows, width), donors.ravel()).reshape(-1, width)
        found = set()
        for row, row_texts, alike in zip(rows.tolist(), texts.tolist(), is_alike.tolist(), strict=True):
            question_id = self.questions[row].id
            if question_id in options:
                alike_texts = {table.texts[text] for text in compress(row_texts, alike)}
                if not alike_texts.issuperset(option[table.lang] for option in options[question_id]):
                    found.add(question_id)
        return found

    def _options(self, row: int, donors: Sequence[int]) -> list[Option]:
        options = [as_option(self.questions[donor], self.questions[row]) for donor in donors]
        return [option for option in options if option is not None]


def plan_distractors(
    questions: Sequence[ParallelQuestion],
    answer_key: RightAnswers,
    seed: int,
    report: Report | None = None,
    examples: Sequence[ParallelQuestion] = (),
) -> DistractorPlan:
    """Find for each question the distractors that the rules allow.

    Equal input and seed give an equal plan, in any order of the questions.

    Args:
        questions: All questions except the one-shot examples; each may be a donor.
        answer_key: The right answers of all questions.
        seed: Seed of the random choices between equally good distractors.
        report: Called with (step, done, total) while this runs.
        examples: The one-shot examples, whose answers changed numbers avoid so that each item can have one of them.
    """
    ordered = sorted(questions, key=lambda question: question.id)
    numbers = NumberDistractors(ordered, answer_key, examples)
    changed = numbers.ids
    needs_donors = [question.id not in changed for question in ordered]
    candidates = find_candidates(ordered, needs_donors, AskedKinds(ordered), answer_key, seed, report)
    characters = count_characters(question.answers for question in ordered)
    return DistractorPlan(ordered, numbers, candidates, characters, seed)
