"""Which questions become items: the first of each language that have three options and an example, up to a limit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from lm_eval_illusion.matching.text.normalize import compact
from lm_eval_illusion.pairing.donors.assignment import DISTRACTORS
from lm_eval_illusion.pairing.one_shot import ShotByLanguage
from lm_eval_illusion.pairing.option_rules import overlaps
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion, Selection, select_first
from lm_eval_illusion.pairing.screening.answer_in_question import IN_QUESTION_REASON

ASKED_OTHERWISE_REASON = "has options that are asked otherwise"


@dataclass(frozen=True)
class ChosenOptions:
    """Options: question id -> three, or less where the rules allow no more. `asked_otherwise`: the ids of those that have an option
    whose question asks for another kind of thing, None if that is not known."""

    options: Mapping[str, Sequence[Option]]
    asked_otherwise: frozenset[str] | None


@dataclass(frozen=True)
class Selected:
    """The questions that become items, with the options and the example of each, and the reason for each question that does not.

    `asked_otherwise`: as in `ChosenOptions`, of the selected questions only.
    """

    selection: Selection
    options: Mapping[str, Sequence[Option]]
    shots: Mapping[str, ShotByLanguage]
    dropped: dict[str, str]
    asked_otherwise: frozenset[str] | None


def select(
    questions: Sequence[ParallelQuestion],
    dropped: Mapping[str, str],
    limit: int | None,
    options_of: Callable[[Collection[str]], ChosenOptions],
    shot_of: Callable[[ParallelQuestion, Sequence[Option]], ShotByLanguage | str],
    *,
    strict: bool = False,
) -> Selected:
    """Select the questions that become items. A question that fails is dropped and the next one takes its position.

    Args:
        questions: All questions except the examples, in order.
        dropped: Question id -> why it can't become an item, known beforehand.
        limit: The most items per language, None for all.
        options_of: Selected ids -> the distractors of each.
        shot_of: Question, distractors -> its example, or the reason why it has none.
        strict: Drop questions that have options that are asked otherwise.
    """
    all_dropped = dict(dropped)
    chosen = ChosenOptions({}, None)
    shots: dict[str, ShotByLanguage | str] = {}
    while True:
        remaining = {question.id: question for question in questions if question.id not in all_dropped}
        selection = select_first(list(remaining.values()), limit)
        if not selection.keys() <= chosen.options.keys():
            chosen, shots = options_of(selection), {}
        failed = {}
        for question_id in selection:
            options = chosen.options[question_id]
            if question_id not in shots:
                shots[question_id] = shot_of(remaining[question_id], options)
            reason = _failure(question_id, options, shots[question_id], chosen, strict)
            if reason:
                failed[question_id] = reason
        if not failed:
            found = {question_id: shot for question_id in selection if not isinstance(shot := shots[question_id], str)}
            strangers = None if chosen.asked_otherwise is None else chosen.asked_otherwise & selection.keys()
            return Selected(selection, chosen.options, found, all_dropped, strangers)
        all_dropped |= failed


def _failure(
    question_id: str, options: Sequence[Option], shot: ShotByLanguage | str, chosen: ChosenOptions, strict: bool
) -> str | None:
    """Return why a selected question can't become an item, None if it can."""
    if len(options) < DISTRACTORS:
        return IN_QUESTION_REASON
    if strict and question_id in (chosen.asked_otherwise or ()):
        return ASKED_OTHERWISE_REASON
    return shot if isinstance(shot, str) else None


def complete_offered(
    chosen: Mapping[str, Sequence[Option]], offered: Mapping[str, Sequence[Option]], questions: Mapping[str, ParallelQuestion]
) -> dict[str, Sequence[Option]]:
    """Return the chosen options, in which those that a question offers itself take the first places.

    Less than three remain where a chosen one contains an offered one or stands within it.

    Args:
        chosen: Question id -> three distractors.
        offered: Question id -> what the question offers, one or two options.
        questions: Question id -> question.
    """
    completed = dict(chosen)
    for question_id in chosen.keys() & offered.keys():
        options = list(offered[question_id])
        for option in chosen[question_id]:
            if len(options) < DISTRACTORS and not any(_overlap(option, other, questions[question_id]) for other in options):
                options.append(option)
        completed[question_id] = options
    return completed


def _overlap(option: Option, other: Option, question: ParallelQuestion) -> bool:
    return any(overlaps(compact(option[lang], lang), [compact(other[lang], lang)]) for lang in question.by_lang)
