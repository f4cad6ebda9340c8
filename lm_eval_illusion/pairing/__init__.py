"""Questions with right answers -> items with four options: recognisable and producible."""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from lm_eval_illusion.items import Item
from lm_eval_illusion.pairing.bundles import Bundle, Option, bundles_of
from lm_eval_illusion.pairing.compact import compact
from lm_eval_illusion.pairing.distractors import choose_distractors
from lm_eval_illusion.pairing.rules import RightAnswers, is_allowed, right_answers
from lm_eval_illusion.pairing.selection import first_of_each_language
from lm_eval_illusion.pairing.source import Question

SHOTS = 4
"""Questions held out as one-shot examples; of fewer than 200, one in fifty, at least one."""


@dataclass(frozen=True)
class Paired:
    """The items of each language, in one order for all, and why the other ids have none."""

    items: dict[str, list[Item]]
    dropped: dict[str, str] = field(default_factory=dict)
    held_out: tuple[str, ...] = ()


def pair(questions: Sequence[Question], name: str, seed: int = 0, limit: int | None = None) -> Paired:
    """Choose distractors, examples and places of the answers. Equal input gives equal output, on every machine.

    The selection rule: ids are put in the order of the SHA-256 of "<name>/<id>". The first ones, as many as SHOTS says, are held out as
    examples; of the others the first `limit` of each language that pair are its items (all, if None; ids of the most languages come first).
    Distractors are chosen among all but the
    examples, which would give themselves away.
    """
    known = right_answers(questions)
    bundles = sorted(bundles_of(questions), key=lambda bundle: _hash(f"{name}/{bundle.id}"))
    shots, rest = _held_out(bundles)
    given = {bundle.id: _given_options(bundle) for bundle in rest if bundle.has_choices}
    options = given | choose_distractors([bundle for bundle in rest if not bundle.has_choices], known, seed)
    dropped = {bundle.id: _why_dropped(bundle) for bundle in rest if bundle.id not in options}
    fitting = {bundle.id: _fitting_shots(bundle, options.get(bundle.id, []), shots, known) for bundle in rest}
    dropped |= {one_id: "every held-out example gives its answer away" for one_id in options if fitting.get(one_id) == []}
    kept = [bundle for bundle in rest if bundle.id not in dropped]
    selection = first_of_each_language(kept, limit)
    by_id = {bundle.id: bundle for bundle in kept}
    places = _gold_places([by_id[one_id] for one_id in selection], seed)
    items: dict[str, list[Item]] = defaultdict(list)
    for one_id, languages in selection.items():
        bundle = by_id[one_id]
        shot = fitting[one_id][int(_hash(one_id), 16) % len(fitting[one_id])]
        for lang in sorted(languages):
            items[lang].append(_item(bundle, lang, options[one_id], places[one_id], shot.by_lang[lang]))
    return Paired(dict(sorted(items.items())), dropped, tuple(shot.id for shot in shots))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _held_out(bundles: Sequence[Bundle]) -> tuple[list[Bundle], list[Bundle]]:
    """The first of each set of languages as examples, and the rest."""
    sizes = Counter(bundle.languages for bundle in bundles)
    left = {languages: min(SHOTS, max(1, size // 50)) for languages, size in sizes.items()}
    shots: list[Bundle] = []
    rest: list[Bundle] = []
    for bundle in bundles:
        left[bundle.languages] -= 1
        (shots if left[bundle.languages] >= 0 else rest).append(bundle)
    return shots, rest


def _given_options(bundle: Bundle) -> list[Option]:
    """The source's wrong options, told apart by their places in each language."""
    wrong = {lang: [choice for choice in q.choices if choice != q.answer] for lang, q in bundle.by_lang.items()}
    return [{lang: choices[number] for lang, choices in wrong.items()} for number in range(3)]


def _why_dropped(bundle: Bundle) -> str:
    return f"fewer than three distractors of type {bundle.answer_type} that the rules allow"


def _fitting_shots(bundle: Bundle, options: Sequence[Option], shots: Sequence[Bundle], known: RightAnswers) -> list[Bundle]:
    """Examples in all its languages that are about another passage and whose answer is none of its options."""
    return [shot for shot in shots if shot.languages >= bundle.languages and _is_silent(shot, bundle, options, known)]


def _is_silent(shot: Bundle, bundle: Bundle, options: Sequence[Option], known: RightAnswers) -> bool:
    for lang, question in bundle.by_lang.items():
        example = shot.by_lang[lang]
        said = compact(example.answer, lang)
        if question.context and example.context == question.context:
            return False
        if said in [compact(option[lang], lang) for option in options] or not is_allowed(example.answer, question, known):
            return False
    return True


def _gold_places(bundles: Sequence[Bundle], seed: int) -> dict[str, int]:
    """id -> place of the answer; the four equally often in each set of languages, in a drawn order."""
    places: dict[str, int] = {}
    for languages in dict.fromkeys(bundle.languages for bundle in bundles):
        ids = [bundle.id for bundle in bundles if bundle.languages == languages]
        drawn = [number % 4 for number in range(len(ids))]
        random.Random(f"{seed} {sorted(languages)}").shuffle(drawn)
        places |= dict(zip(ids, drawn, strict=True))
    return places


def _item(bundle: Bundle, lang: str, options: Sequence[Option], place: int, shot: Question) -> Item:
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
