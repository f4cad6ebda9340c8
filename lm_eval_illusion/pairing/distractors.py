"""Three distractors for each question, the same in all its languages.

A number or date gets changed values (`numbers.distractors`); any other answer gets answers of other questions (`donors`). This is
done in two steps, because the balance of surface cues depends on which questions become items:

1. `plan_distractors` finds for every question whether the rules allow three distractors.
2. `DistractorPlan.choose` chooses them for the questions that become items.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress

from lm_eval_illusion.pairing.asked.kinds import AskedKinds
from lm_eval_illusion.pairing.donors.assignment import DISTRACTORS, assign
from lm_eval_illusion.pairing.donors.candidate_lists import CandidateLists, Report, find_candidates
from lm_eval_illusion.pairing.donors.cue_balance import Problem, balance
from lm_eval_illusion.pairing.numbers.distractors import NumberDistractors
from lm_eval_illusion.pairing.option_rules import RightAnswers, format_mismatch
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion, as_option
from lm_eval_illusion.pairing.surface_cues import CharactersByLanguage, count_characters

MIN_KEPT_SHARE = 0.95
"""The least share of the questions of each language that `drop_format_mismatches` keeps."""
MAX_MISMATCH_SHARE = 0.5
"""A question is always kept if at most this share of its distractors has another number format."""


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

    @property
    def format_mismatches(self) -> dict[str, float]:
        """Question id -> the share of distractors of another number format, where it is above 0.

        Only numbers and dates can have one, and only those that could not be changed and got other answers instead.
        """
        lists, shares = self.candidates, {}
        for row, donors, count in zip(lists.rows.tolist(), lists.donors, lists.counts, strict=True):
            if count >= DISTRACTORS and self.questions[row].has_number:
                # The format weighs most, so the cheapest three say whether others must be used.
                options = self._options(row, donors[:DISTRACTORS].tolist())
                shares[self.questions[row].id] = (
                    sum(format_mismatch(option, self.questions[row]) for option in options) / DISTRACTORS
                )
        return {question_id: share for question_id, share in shares.items() if share}

    def choose(self, ids: Collection[str], report: Report | None = None) -> dict[str, list[Option]]:
        """Choose distractors for the questions among `ids` that can have them, and balance the surface cues over these questions.

        Returns id -> three distractors. `report`: called with (step, done, total) while this runs.
        """
        import numpy as np

        chosen = self.numbers.options(ids, self.characters, random.Random(f"{self.seed} numbers"))
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
        return chosen

    def asked_otherwise(self, options: Mapping[str, Sequence[Option]]) -> frozenset[str]:
        """Return the ids of the questions that have an option whose question asks for another kind of thing.

        Numbers and dates that were changed are always of the asked kind.

        Args:
            options: Question id -> distractors, from `choose`.
        """
        import numpy as np

        lists = self.candidates
        found = set()
        first_languages = [next(iter(self.questions[row].by_lang)) for row in lists.rows.tolist()]
        width = lists.donors.shape[1]
        is_alike = lists.alike & (np.arange(width) < lists.counts[:, None])
        for table in lists.tables:
            # A donor is known by its text in the first language of the question.
            places = np.flatnonzero([lang == table.lang for lang in first_languages])
            texts = table.options(np.repeat(lists.rows[places], width), lists.donors[places].ravel()).reshape(-1, width)
            for row, row_texts, alike in zip(
                lists.rows[places].tolist(), texts.tolist(), is_alike[places].tolist(), strict=True
            ):
                question_id = self.questions[row].id
                if question_id in options:
                    alike_texts = {table.texts[text] for text in compress(row_texts, alike)}
                    if not alike_texts.issuperset(option[table.lang] for option in options[question_id]):
                        found.add(question_id)
        return frozenset(found)

    def _options(self, row: int, donors: Sequence[int]) -> list[Option]:
        options = [as_option(self.questions[donor], self.questions[row]) for donor in donors]
        return [option for option in options if option is not None]


def plan_distractors(
    questions: Sequence[ParallelQuestion], answer_key: RightAnswers, seed: int, report: Report | None = None
) -> DistractorPlan:
    """Find for each question the distractors that the rules allow.

    Equal input and seed give an equal plan, in any order of the questions.

    Args:
        questions: All questions except the one-shot examples; each may be a donor.
        answer_key: The right answers of all questions.
        seed: Seed of the random choices between equally good distractors.
        report: Called with (step, done, total) while this runs.
    """
    ordered = sorted(questions, key=lambda question: question.id)
    numbers = NumberDistractors(ordered, answer_key)
    changed = numbers.ids
    needs_donors = [question.id not in changed for question in ordered]
    candidates = find_candidates(ordered, needs_donors, AskedKinds(ordered), answer_key, seed, report)
    characters = count_characters(question.answers for question in ordered)
    return DistractorPlan(ordered, numbers, candidates, characters, seed)


def drop_format_mismatches(
    mismatches: Mapping[str, float], questions: Sequence[ParallelQuestion], counts: Mapping[str, int]
) -> list[str]:
    """Return the ids of questions to drop because most of their distractors have another number format, the worst first.

    Such distractors are easy to exclude ("42 inches" and "1.067 m" beside "AD 80"). At most 5 % of the questions of a language are lost.

    Args:
        mismatches: Question id -> share of distractors of another format, from `DistractorPlan.format_mismatches`.
        questions: All questions with three distractors.
        counts: Language -> number of questions that were read.
    """
    by_id = {question.id: question for question in questions}
    remaining = Counter(lang for question in questions for lang in question.languages)
    dropped = []
    for question_id in sorted(
        mismatches.keys() & by_id.keys(), key=lambda question_id: (-mismatches[question_id], question_id)
    ):
        languages = by_id[question_id].languages
        if mismatches[question_id] > MAX_MISMATCH_SHARE and all(
            remaining[lang] - 1 >= MIN_KEPT_SHARE * counts[lang] for lang in languages
        ):
            dropped.append(question_id)
            remaining.subtract(languages)
    return dropped
