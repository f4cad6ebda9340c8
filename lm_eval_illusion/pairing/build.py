"""Pairing: questions with right answers -> items with four options, so that each can be both recognised and produced."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache, partial

from lm_eval_illusion.items import Item
from lm_eval_illusion.pairing.assignment import ROUNDS
from lm_eval_illusion.pairing.distractors import DistractorPlan, drop_format_mismatches, plan_distractors
from lm_eval_illusion.pairing.gold_positions import balance_gold_positions
from lm_eval_illusion.pairing.one_shot import ShotByLanguage, choose_shot, hold_out_shots
from lm_eval_illusion.pairing.option_rules import right_answers
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion, Selection, group_by_id, select_first
from lm_eval_illusion.pairing.reading.questions import Question


@dataclass(frozen=True)
class Paired:
    """The result of `pair`.

    Attributes:
        items: Language -> its items, in the same order in all languages.
        dropped: Question id -> why it gave no item.
        held_out: The ids of the one-shot examples.
        asked_otherwise: Language -> the ids of its items that have at least one option whose question asks for another kind of thing.
            Empty if that is not known.
        notices: One line for each remarkable property of the items.
    """

    items: dict[str, list[Item]]
    dropped: dict[str, str] = field(default_factory=dict)
    held_out: tuple[str, ...] = ()
    asked_otherwise: dict[str, frozenset[str]] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Selected:
    """The questions that become items, with the options and the example of each, and the reason for each question that does not."""

    selection: Selection
    options: Mapping[str, list[Option]]
    shots: Mapping[str, ShotByLanguage]
    dropped: dict[str, str]


def pair(questions: Sequence[Question], name: str, seed: int = 0, limit: int | None = None) -> Paired:
    """Make items from questions: choose distractors, one-shot examples and the positions of the answers.

    Questions are taken in the order of the SHA-256 of "<name>/<id>". The first ones are held out as one-shot examples (one_shot). Of the
    others the first `limit` of each language that can have distractors and an example become items; questions in more languages come
    first. Distractors come from all questions except the examples, whose answers the prompt shows.

    Args:
        questions: Questions that passed the checks of `questions`.
        name: The name of the family, part of the order.
        seed: Seed of distractors and positions.
        limit: The most items per language, None for all.

    Returns:
        The items; the same on every machine for equal arguments.
    """
    answer_key = right_answers(questions)
    ordered = sorted(group_by_id(questions), key=lambda question: _hash(f"{name}/{question.id}"))
    shots, rest = hold_out_shots(ordered)
    source_options = {question.id: _source_options(question) for question in rest if question.has_choices}
    plan = plan_distractors([question for question in rest if not question.has_choices], answer_key, seed)

    selected = _select(
        rest,
        _without_distractors(rest, source_options.keys(), plan, Counter(question.lang for question in questions)),
        limit,
        options_of=lambda ids: source_options | plan.choose(ids),
        shot_of=lambda question, options: choose_shot(question, options, shots, answer_key),
    )
    positions = balance_gold_positions(selected.selection, seed)
    by_id = {question.id: question for question in rest}
    items: dict[str, list[Item]] = defaultdict(list)
    for question_id, languages in selected.selection.items():
        for lang in sorted(languages):
            shot = selected.shots[question_id][lang]
            item = _item(by_id[question_id], lang, selected.options[question_id], positions[question_id], shot)
            items[lang].append(item)
    return Paired(dict(sorted(items.items())), selected.dropped, tuple(shot.id for shot in shots))


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _source_options(question: ParallelQuestion) -> list[Option]:
    """Return the wrong options that the source gives; option n of a language is the translation of option n of the others."""
    wrong = {lang: [choice for choice in q.choices if choice != q.answer] for lang, q in question.by_lang.items()}
    return [{lang: choices[number] for lang, choices in wrong.items()} for number in range(ROUNDS)]


def _without_distractors(
    questions: Sequence[ParallelQuestion], with_choices: Set[str], plan: DistractorPlan, counts: Mapping[str, int]
) -> dict[str, str]:
    """Return question id -> why it is dropped: it has no three distractors, or most of them have another number format.

    Args:
        questions: All questions except the examples.
        with_choices: The ids for which the source gives options.
        plan: The distractors of the others.
        counts: Language -> number of questions that were read.
    """
    paired_ids = plan.ids | with_choices
    count_answers = cache(partial(_count_answers, questions))
    dropped = {question.id: _reason_to_drop(question, count_answers) for question in questions if question.id not in paired_ids}
    paired = [question for question in questions if question.id in paired_ids]
    mismatched = drop_format_mismatches(plan.format_mismatches, paired, counts)
    return dropped | dict.fromkeys(mismatched, "only numbers of another format to stand beside the answer")


def _reason_to_drop(question: ParallelQuestion, count_answers: Callable[[str, frozenset[str]], int]) -> str:
    kind = question.answer_type
    if count_answers(kind, question.languages) <= ROUNDS:
        return (
            f"fewer than three other answers of type {kind}: give at least {ROUNDS + 2} questions a language with different ones,"
            " one for the example"
        )
    return f"fewer than three distractors of type {kind} that the rules allow"


def _count_answers(questions: Iterable[ParallelQuestion], kind: str, languages: frozenset[str]) -> int:
    """Return the number of different answers of a type in these languages."""
    donors = [question for question in questions if question.answer_type == kind and question.languages >= languages]
    return len({tuple(question.answers[lang].casefold() for lang in languages) for question in donors})


def _select(
    questions: Sequence[ParallelQuestion],
    dropped: Mapping[str, str],
    limit: int | None,
    options_of: Callable[[Collection[str]], dict[str, list[Option]]],
    shot_of: Callable[[ParallelQuestion, Sequence[Option]], ShotByLanguage | str],
) -> _Selected:
    """Select the questions that become items. A question without an example is dropped and the next one takes its position.

    Args:
        questions: All questions except the examples, in order.
        dropped: Question id -> why it has no distractors.
        limit: The most items per language, None for all.
        options_of: Selected ids -> the distractors of each.
        shot_of: Question, distractors -> its example, or the reason why it has none.
    """
    all_dropped = dict(dropped)
    options: dict[str, list[Option]] = {}
    while True:
        remaining = {question.id: question for question in questions if question.id not in all_dropped}
        selection = select_first(list(remaining.values()), limit)
        if not selection.keys() <= options.keys():
            options = options_of(selection)
        shots = {question_id: shot_of(remaining[question_id], options[question_id]) for question_id in selection}
        failed = {question_id: reason for question_id, reason in shots.items() if isinstance(reason, str)}
        if not failed:
            chosen = {question_id: shot for question_id, shot in shots.items() if not isinstance(shot, str)}
            return _Selected(selection, options, chosen, all_dropped)
        all_dropped |= failed


def _item(question: ParallelQuestion, lang: str, options: Sequence[Option], position: int, shot: Question) -> Item:
    translation = question.by_lang[lang]
    choices = [option[lang] for option in options]
    choices.insert(position, translation.answer)
    return {
        "id": question.id,
        "lang": lang,
        "question": translation.question,
        "context": translation.context,
        "answer": translation.answer,
        "aliases": list(translation.aliases),
        "answer_type": question.answer_type,
        "choices": choices,
        "gold": position,
        "shot": {"question": shot.question, "answer": shot.answer, "context": shot.context},
        "source": translation.source,
        "license": translation.license,
    }
