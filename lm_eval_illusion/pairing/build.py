"""Questions with right answers -> items with four options: recognisable and producible."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial

from lm_eval_illusion.items import Item
from lm_eval_illusion.pairing.assignment import ROUNDS
from lm_eval_illusion.pairing.distractors import Distractors, drop_misfits
from lm_eval_illusion.pairing.gold_positions import gold_places
from lm_eval_illusion.pairing.one_shot import Shot, choose_shot, hold_out
from lm_eval_illusion.pairing.option_rules import right_answers
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion, Selection, bundles_of, first_of_each_language
from lm_eval_illusion.pairing.questions import Question


@dataclass(frozen=True)
class Paired:
    """The items of each language, in one order for all, and why the other ids have none."""

    items: dict[str, list[Item]]
    dropped: dict[str, str] = field(default_factory=dict)
    held_out: tuple[str, ...] = ()


def pair(questions: Sequence[Question], name: str, seed: int = 0, limit: int | None = None) -> Paired:
    """Choose distractors, examples and places of the answers. Equal input gives equal output, on every machine.

    The selection rule: ids are put in the order of the SHA-256 of "<name>/<id>". The first ones, as many as SHOTS says, are held out as
    examples (of unevenly translated ids those in the most languages first); of the others the first `limit` of each language that pair are
    its items (all, if None; ids of the most languages come first). Distractors are chosen among all but the examples, which would give
    themselves away; what is seen in the options alone is evened out among the items.
    """
    known = right_answers(questions)
    bundles = sorted(bundles_of(questions), key=lambda bundle: hashlib.sha256(f"{name}/{bundle.id}".encode()).digest())
    shots, rest = hold_out(bundles)
    given = {bundle.id: _given_options(bundle) for bundle in rest if bundle.has_choices}
    distractors = Distractors([bundle for bundle in rest if not bundle.has_choices], known, seed)
    dropped = _unpaired(rest, given.keys() | distractors.ids, distractors.misfits, Counter(q.lang for q in questions))

    def settle(bundle: ParallelQuestion, options: Sequence[Option]) -> Shot | str:
        return choose_shot(bundle, options, shots, known)

    selection, options, shot_of = _selected(rest, dropped, limit, lambda ids: given | distractors.options(ids), settle)
    places = gold_places(selection, seed)
    by_id = {bundle.id: bundle for bundle in rest}
    items: dict[str, list[Item]] = defaultdict(list)
    for one_id, languages in selection.items():
        for lang in sorted(languages):
            items[lang].append(_item(by_id[one_id], lang, options[one_id], places[one_id], shot_of[one_id][lang]))
    return Paired(dict(sorted(items.items())), dropped, tuple(shot.id for shot in shots))


def _unpaired(
    rest: Sequence[ParallelQuestion], pairing: Collection[str], misfits: Mapping[str, float], asked: Mapping[str, int]
) -> dict[str, str]:
    """id -> why it has no options."""
    count_answers = cache(partial(_count_answers, rest))
    dropped = {bundle.id: _why_dropped(bundle, count_answers) for bundle in rest if bundle.id not in pairing}
    worst = drop_misfits(misfits, [bundle for bundle in rest if bundle.id in pairing], asked)
    return dropped | dict.fromkeys(worst, "only numbers of another format to stand beside the answer")


def _selected(
    rest: Sequence[ParallelQuestion],
    dropped: dict[str, str],
    limit: int | None,
    options_of: Callable[[Collection[str]], dict[str, list[Option]]],
    settle: Callable[[ParallelQuestion, Sequence[Option]], Shot | str],
) -> tuple[Selection, dict[str, list[Option]], dict[str, Shot]]:
    """Who is asked, with which options and examples.

    Who finds no example beside its options is added to `dropped`, and the next ones come up.
    """
    options: dict[str, list[Option]] = {}
    while True:
        kept = {bundle.id: bundle for bundle in rest if bundle.id not in dropped}
        selection = first_of_each_language(list(kept.values()), limit)
        if not selection.keys() <= options.keys():
            options = options_of(selection)
        settled = {one_id: settle(kept[one_id], options[one_id]) for one_id in selection}
        failed = {one_id: why for one_id, why in settled.items() if isinstance(why, str)}
        if not failed:
            return selection, options, {one_id: shot for one_id, shot in settled.items() if not isinstance(shot, str)}
        dropped |= failed


def _given_options(bundle: ParallelQuestion) -> list[Option]:
    """The source's wrong options, told apart by their places in each language."""
    wrong = {lang: [choice for choice in q.choices if choice != q.answer] for lang, q in bundle.by_lang.items()}
    return [{lang: choices[number] for lang, choices in wrong.items()} for number in range(3)]


def _why_dropped(bundle: ParallelQuestion, count_answers: Callable[[str, frozenset[str]], int]) -> str:
    kind = bundle.answer_type
    if count_answers(kind, bundle.languages) <= ROUNDS:
        return (
            f"fewer than three other answers of type {kind}: give at least {ROUNDS + 2} questions a language with different ones,"
            " one for the example"
        )
    return f"fewer than three distractors of type {kind} that the rules allow"


def _count_answers(bundles: Sequence[ParallelQuestion], kind: str, languages: frozenset[str]) -> int:
    """How many different answers of a type there are in these languages."""
    lenders = [bundle for bundle in bundles if bundle.answer_type == kind and bundle.languages >= languages]
    return len({tuple(bundle.answers[lang].casefold() for lang in languages) for bundle in lenders})


def _item(bundle: ParallelQuestion, lang: str, options: Sequence[Option], place: int, shot: Question) -> Item:
    question = bundle.by_lang[lang]
    choices = [option[lang] for option in options]
    choices.insert(place, question.answer)
    return {
        "id": bundle.id,
        "lang": lang,
        "question": question.question,
        "context": question.context,
        "answer": question.answer,
        "aliases": list(question.aliases),
        "answer_type": bundle.answer_type,
        "choices": choices,
        "gold": place,
        "shot": {"question": shot.question, "answer": shot.answer, "context": shot.context},
        "source": question.source,
        "license": question.license,
    }
