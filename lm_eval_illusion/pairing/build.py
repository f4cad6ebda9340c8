"""Pairing: questions with right answers -> items with four options, so that each can be both recognised and produced."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache, partial

from lm_eval_illusion.items import Item
from lm_eval_illusion.pairing.distractors import plan_distractors
from lm_eval_illusion.pairing.donors.assignment import DISTRACTORS
from lm_eval_illusion.pairing.gold_positions import balance_gold_positions
from lm_eval_illusion.pairing.one_shot import choose_shot, hold_out_shots
from lm_eval_illusion.pairing.option_rules import right_answers
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion, group_by_id
from lm_eval_illusion.pairing.reading.questions import Question
from lm_eval_illusion.pairing.screening.screen import Screened, screen
from lm_eval_illusion.pairing.selection import ChosenOptions, Selected, complete_offered, select

FORMAT_REASON = "fewer than three other numbers of the same format (unit, signs, digits), and it has no other values"
MAX_LISTED = 5
"""The most ids that a notice lists."""


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


def pair(
    questions: Sequence[Question],
    name: str,
    seed: int = 0,
    limit: int | None = None,
    *,
    strict: bool = False,
    report: Callable[[str, int, int], None] | None = None,
) -> Paired:
    """Make items from questions: choose distractors, one-shot examples and the positions of the answers.

    Yes/no questions, and questions that state their answer, become no items (`screening`). The others are taken in the order of the
    SHA-256 of "<name>/<id>". A few are held out as one-shot examples (one_shot). Of the others the first `limit` of each language that
    can have distractors and an example become items; questions in more languages come first. Distractors come from all questions except
    the examples, whose answers the prompt shows, and the yes/no questions.

    Args:
        questions: Questions that passed the checks of `questions`.
        name: The name of the family, part of the order.
        seed: Seed of distractors and positions.
        limit: The most items per language, None for all.
        strict: Drop items that have an option whose question asks for another kind of thing.
        report: Called with (step, done, total) while this runs.

    Returns:
        The items; the same on every machine for equal arguments, and in any order of the questions.
    """
    tell = report or (lambda step, done, total: None)
    answer_key = right_answers(questions)
    ordered = sorted(group_by_id(questions), key=lambda question: _hash(f"{name}/{question.id}"))
    tell("screening", 0, len(ordered))
    screened = screen(ordered, answer_key)
    fit = [question for question in screened.questions if question.id not in screened.dropped]
    shots = hold_out_shots(fit, unfit=screened.stated)
    held_out = {shot.id for shot in shots}
    donors = [question for question in screened.questions if question.id not in held_out]
    candidates = [question for question in fit if question.id not in held_out]

    fixed = {question.id: _source_options(question) for question in candidates if question.has_choices}
    fixed |= {
        question_id: options[:DISTRACTORS] for question_id, options in screened.offered.items() if len(options) >= DISTRACTORS
    }
    plan = plan_distractors([question for question in donors if question.id not in fixed], answer_key, seed, tell, shots)
    by_id = {question.id: question for question in candidates}

    def options_of(ids: Collection[str]) -> ChosenOptions:
        offered = {question_id: options for question_id, options in screened.offered.items() if question_id not in fixed}
        completed = complete_offered(plan.choose(ids, tell), offered, by_id)
        # What a question offers itself is of the kind that it asks for.
        lent = {question_id: options[len(offered.get(question_id, ())) :] for question_id, options in completed.items()}
        return ChosenOptions(fixed | completed, plan.asked_otherwise(lent))

    tell("examples", 0, len(candidates))
    selected = select(
        candidates,
        screened.dropped | _without_distractors(candidates, plan.ids | fixed.keys()),
        limit,
        options_of=options_of,
        shot_of=lambda question, options: choose_shot(question, options, shots, answer_key),
        strict=strict,
    )
    return Paired(
        items=_items(selected, by_id, seed),
        dropped=selected.dropped,
        held_out=tuple(shot.id for shot in shots),
        asked_otherwise=_by_language(selected),
        notices=tuple(_notices(selected, screened)),
    )


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _source_options(question: ParallelQuestion) -> list[Option]:
    """Return the wrong options that the source gives; option n of a language is the translation of option n of the others."""
    wrong = {lang: [choice for choice in q.choices if choice != q.answer] for lang, q in question.by_lang.items()}
    return [{lang: choices[number] for lang, choices in wrong.items()} for number in range(DISTRACTORS)]


def _without_distractors(questions: Sequence[ParallelQuestion], paired_ids: Set[str]) -> dict[str, str]:
    """Return question id -> why it is dropped, for the questions that have no three distractors.

    Args:
        questions: All questions except the examples.
        paired_ids: The ids of questions that have three distractors.
    """
    count_answers = cache(partial(_count_answers, questions))
    return {question.id: _reason_to_drop(question, count_answers) for question in questions if question.id not in paired_ids}


def _reason_to_drop(question: ParallelQuestion, count_answers: Callable[[str, bool, frozenset[str]], int]) -> str:
    kind = question.given_type or ("number or date" if question.has_number else "name or phrase")
    if count_answers(question.given_type, question.has_number, question.languages) <= DISTRACTORS:
        return (
            f"fewer than three other answers of type {kind}: give at least {DISTRACTORS + 2} questions a language with different ones,"
            " one for the example"
        )
    if question.has_number:
        return FORMAT_REASON
    return f"fewer than three distractors of type {kind} that the rules allow"


def _count_answers(questions: Iterable[ParallelQuestion], given_type: str, has_number: bool, languages: frozenset[str]) -> int:
    """Return the number of different answers in these languages that may be options of one another by their type."""
    kind = given_type, has_number
    donors = [one for one in questions if (one.given_type, one.has_number) == kind and one.languages >= languages]
    return len({tuple(question.answers[lang].casefold() for lang in languages) for question in donors})


def _by_language(selected: Selected) -> dict[str, frozenset[str]]:
    """Return language -> the ids of its items whose options are asked otherwise; empty if that is not known."""
    if selected.asked_otherwise is None:
        return {}
    languages = sorted(set().union(*selected.selection.values()))
    return {
        lang: frozenset(question_id for question_id in selected.asked_otherwise if lang in selected.selection[question_id])
        for lang in languages
    }


def _notices(selected: Selected, screened: Screened) -> Iterable[str]:
    offered = [question_id for question_id in selected.selection if question_id in screened.offered]
    if offered:
        yield f"Ids with options that the question offers beside the answer (A or B?): {len(offered)} ({_first(offered)})"
    copied = screened.copied_from_passage
    stated = [question_id for question_id in selected.selection if question_id in copied]
    if stated:
        yield f"Ids with the answer in the question, kept because they are asked with a passage: {len(stated)} ({_first(stated)})"


def _first(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - MAX_LISTED} more" if len(ids) > MAX_LISTED else ""
    return ", ".join(ids[:MAX_LISTED]) + more


def _items(selected: Selected, by_id: Mapping[str, ParallelQuestion], seed: int) -> dict[str, list[Item]]:
    """Return language -> its items, the languages sorted."""
    positions = balance_gold_positions(selected.selection, seed)
    items: dict[str, list[Item]] = defaultdict(list)
    # Of options that the source gives no question is known: null, because a dataset has the same fields in all items of a language.
    made = [languages for question_id, languages in selected.selection.items() if not by_id[question_id].has_choices]
    with_made = {lang for languages in made for lang in languages}
    for question_id, languages in selected.selection.items():
        for lang in sorted(languages):
            shot = selected.shots[question_id][lang]
            item = _item(by_id[question_id], lang, selected.options[question_id], positions[question_id], shot)
            if selected.asked_otherwise is not None and lang in with_made:
                is_known = not by_id[question_id].has_choices
                item["asked_otherwise"] = question_id in selected.asked_otherwise if is_known else None
            items[lang].append(item)
    return dict(sorted(items.items()))


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
