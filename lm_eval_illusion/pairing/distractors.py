"""Three distractors for each question, the same in all its languages.

A number or date gets changed values (`numbers.distractors`); any other answer gets answers of other questions (`answer_groups`). This is
done in two steps, because the balance of surface cues depends on which questions become items:

1. `plan_distractors` finds for every question whether the rules allow three distractors.
2. `DistractorPlan.choose` chooses them for the questions that become items.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from lm_eval_illusion.pairing.answer_groups import AnswerGroup, fill_from_pool, group_answers
from lm_eval_illusion.pairing.assignment import ROUNDS
from lm_eval_illusion.pairing.distractor_costs import distractor_costs
from lm_eval_illusion.pairing.numbers.distractors import NumberDistractors
from lm_eval_illusion.pairing.option_rules import RightAnswers, format_mismatch
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion
from lm_eval_illusion.pairing.question_words import QuestionWords
from lm_eval_illusion.pairing.surface_cues import CharactersByLanguage, count_characters

Report = Callable[[str, int, int], None]
"""What is told about a long pairing: (step, done, total)."""
MIN_KEPT_SHARE = 0.95
"""The least share of the questions of each language that `drop_format_mismatches` keeps."""
MAX_MISMATCH_SHARE = 0.5
"""A question is always kept if at most this share of its distractors has another number format."""


@dataclass(frozen=True)
class DistractorPlan:
    """The distractors that the rules allow for each question, before the items are selected.

    `drafts`: for each question with three donors the question and its options before surface cues are balanced. `filled`: the options of
    those among them that were completed from the pool; these stay as they are.
    """

    numbers: NumberDistractors
    groups: Sequence[AnswerGroup]
    drafts: Mapping[str, tuple[ParallelQuestion, list[Option]]]
    filled: Mapping[str, list[Option]]
    characters: CharactersByLanguage
    seed: int

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the questions for which the rules allow three distractors."""
        return self.numbers.ids | self.drafts.keys()

    @property
    def format_mismatches(self) -> dict[str, float]:
        """Question id -> the share of distractors of another number format, where it is above 0.

        Only numbers and dates can have one, and only those that could not be changed and got other answers instead.
        """
        shares = {
            question_id: sum(format_mismatch(option, question) for option in options) / ROUNDS
            for question_id, (question, options) in self.drafts.items()
            if question.has_number
        }
        return {question_id: share for question_id, share in shares.items() if share}

    def choose(self, ids: Collection[str], report: Report | None = None) -> dict[str, list[Option]]:
        """Choose distractors for the questions among `ids` that can have them, and balance the surface cues over these questions.

        Returns id -> three distractors. `report`: called with (step, done, total) while this runs.
        """
        chosen = self.numbers.options(ids, self.characters, random.Random(f"{self.seed} numbers"))
        for done, group in enumerate(self.groups):
            if report is not None:
                report("balancing options", done, len(self.groups))
            chosen |= group.balanced_options(ids, self.characters)
        return chosen | {question_id: options for question_id, options in self.filled.items() if question_id in ids}

    def asked_otherwise(self, options: Mapping[str, Sequence[Option]]) -> frozenset[str] | None:
        """Return the ids of the questions that have an option whose question asks for another kind of thing.

        None as long as that is not known. `options`: question id -> distractors, from `choose`.
        """
        return None


def plan_distractors(
    questions: Sequence[ParallelQuestion], answer_key: RightAnswers, seed: int, report: Report | None = None
) -> DistractorPlan:
    """Find the questions for which the rules allow three distractors, and collect these distractors.

    Equal input and seed give an equal plan.

    Args:
        questions: All questions except the one-shot examples; each may be a donor.
        answer_key: The right answers of all questions.
        seed: Seed of the random choices between equally good distractors.
        report: Called with (step, done, total) while this runs.
    """
    if report is not None:
        report("options", 0, len(questions))
    numbers = NumberDistractors(questions, answer_key)
    costs_of = partial(distractor_costs, answer_key=answer_key, words=QuestionWords(questions))
    groups = group_answers((question for question in questions if question.id not in numbers.ids), costs_of, seed)
    assigned = [entry for group in groups for entry in zip(group.questions, group.options(), strict=True)]
    incomplete = [(question, options) for question, options in assigned if len(options) < ROUNDS]
    filled = fill_from_pool(incomplete, questions, costs_of, answer_key)
    drafts = {question.id: (question, filled.get(question.id, options)) for question, options in assigned}
    return DistractorPlan(
        numbers=numbers,
        groups=groups,
        drafts={question_id: draft for question_id, draft in drafts.items() if len(draft[1]) == ROUNDS},
        filled={question_id: options for question_id, options in filled.items() if len(options) == ROUNDS},
        characters=count_characters(question.answers for question in questions),
        seed=seed,
    )


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
