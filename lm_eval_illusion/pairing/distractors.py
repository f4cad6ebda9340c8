"""Three distractors for each question, the same in all its languages.

Numbers and dates are changed. Other answers lend each other theirs: three rounds of an assignment that gives every answer away
once a round, so that an answer is a distractor three times as often as it is gold, and who picks options by their look alone (the longest,
the most frequent, the most likely) is right in one of four.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from lm_eval_illusion.matching import stands_in_passage
from lm_eval_illusion.pairing.bundles import Bundle, lent
from lm_eval_illusion.pairing.changed_numbers import (
    Changeable,
    changed,
    draw_values,
    find_changeable,
    numbers_in,
    possible_values,
    ranks,
)
from lm_eval_illusion.pairing.rules import RightAnswers, is_alike, is_allowed

WANTED = 3
LARGEST_GROUP = 300
"""An assignment among n answers looks at n x n pairs: more than this many are split, topics together."""

# What makes a distractor worse, in units of one factor e in length.
OTHER_TOPIC = 1.0
NOT_IN_PASSAGE = 2.0
FORBIDDEN = 1e6

Option = dict[str, str]
"""Language -> text."""


def choose_distractors(bundles: Sequence[Bundle], known: RightAnswers, seed: int) -> dict[str, list[Option]]:
    """id -> three options, for each bundle for which the rules leave three. Equal input and seed give equal output."""
    chosen = _changed_numbers(bundles, known, random.Random(f"{seed} numbers"))
    left = [bundle for bundle in bundles if bundle.id not in chosen]
    for group in _groups(left):
        rng = random.Random(f"{seed} {group[0].id}")
        chosen |= _assigned(group, known, rng)
    for bundle in left:
        if len(chosen[bundle.id]) < WANTED:
            chosen[bundle.id] += _filled(bundle, bundles, chosen[bundle.id], known)
    return {one_id: options for one_id, options in chosen.items() if len(options) == WANTED}


def _changed_numbers(bundles: Sequence[Bundle], known: RightAnswers, rng: random.Random) -> dict[str, list[Option]]:
    """Those whose number can be changed; the truth is the least, second, third and greatest value equally often."""
    possible: dict[str, tuple[Bundle, Changeable, list[int], frozenset[int]]] = {}
    for bundle in bundles:
        number = find_changeable(bundle.answers) if bundle.answer_type in ("number", "date") else None
        if number is not None:
            wanted = _in_passages(bundle, number)
            values = possible_values(bundle.answers, number, wanted)
            values = [value for value in values if _may_stand(changed(bundle.answers, number, value), bundle, known)]
            possible[bundle.id] = bundle, number, values, wanted
    chosen = {}
    for one_id, rank in _balanced_ranks({i: ranks(values, n.value) for i, (_, n, values, _) in possible.items()}).items():
        bundle, number, values, wanted = possible[one_id]
        drawn = draw_values(values, number.value, rank, wanted, rng)
        chosen[one_id] = [changed(bundle.answers, number, value) for value in drawn]
    return chosen


def _in_passages(bundle: Bundle, number: Changeable) -> frozenset[int]:
    """Numbers of as many digits that stand in the passage of every language."""
    shared = frozenset.intersection(*(numbers_in(question.context) for question in bundle.by_lang.values()))
    return frozenset(int(digits) for digits in shared if len(digits) == len(number.digits))


def _balanced_ranks(possible: Mapping[str, list[int]]) -> dict[str, int]:
    """A rank for each that can have one, the least used first; those with the least choice choose first."""
    used = dict.fromkeys(range(4), 0)
    chosen = {}
    for one_id in sorted(possible, key=lambda one: (len(possible[one]), one)):
        if possible[one_id]:
            chosen[one_id] = min(possible[one_id], key=lambda rank: (used[rank], rank))
            used[chosen[one_id]] += 1
    return chosen


def _groups(bundles: Sequence[Bundle]) -> Iterator[list[Bundle]]:
    """Bundles of the same languages and answer type, topics together, at most LARGEST_GROUP at once."""
    alike: dict[tuple[str, ...], list[Bundle]] = defaultdict(list)
    for bundle in bundles:
        alike[(bundle.answer_type, *sorted(bundle.languages))].append(bundle)
    for same in alike.values():
        same.sort(key=lambda bundle: (bundle.topic, bundle.id))
        parts = math.ceil(len(same) / LARGEST_GROUP)
        size = math.ceil(len(same) / parts)
        yield from (same[start : start + size] for start in range(0, len(same), size))


def _assigned(group: Sequence[Bundle], known: RightAnswers, rng: random.Random) -> dict[str, list[Option]]:
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    chosen: dict[str, list[Option]] = {bundle.id: [] for bundle in group}
    costs = np.array([[_cost(donor, bundle, known) + 0.1 * rng.random() for donor in group] for bundle in group])
    for _ in range(WANTED):
        for row, column in zip(*linear_sum_assignment(costs), strict=True):
            bundle, option = group[row], lent(group[column], group[row])
            if costs[row, column] < FORBIDDEN:
                chosen[bundle.id].append(option)
                costs[row, column] = FORBIDDEN
        for row, bundle in enumerate(group):
            for column in np.flatnonzero(costs[row] < FORBIDDEN):
                if not _may_stand(lent(group[column], bundle), bundle, known, chosen[bundle.id][-1:]):
                    costs[row, column] = FORBIDDEN
    return chosen


def _filled(bundle: Bundle, donors: Sequence[Bundle], chosen: list[Option], known: RightAnswers) -> list[Option]:
    """What is still missing, from all answers of the type in its languages, the cheapest first."""
    same = [donor for donor in donors if donor.answer_type == bundle.answer_type and donor.languages >= bundle.languages]
    priced = sorted(((_cost(donor, bundle, known), donor.id, donor) for donor in same), key=lambda one: one[:2])
    more: list[Option] = []
    for cost, _, donor in priced:
        option = lent(donor, bundle)
        if cost < FORBIDDEN and _may_stand(option, bundle, known, [*chosen, *more]):
            more.append(option)
        if len(chosen) + len(more) == WANTED:
            break
    return more


def _cost(donor: Bundle, bundle: Bundle, known: RightAnswers) -> float:
    answers, options = bundle.answers, lent(donor, bundle)
    if donor.id == bundle.id or not all(is_alike(options[lang], answers[lang]) for lang in answers):
        return FORBIDDEN
    if not _may_stand(options, bundle, known):
        return FORBIDDEN
    count = len(answers)
    length = sum(abs(math.log(len(options[lang]) / len(answers[lang]))) for lang in answers) / count
    passages = {lang: question.context for lang, question in bundle.by_lang.items()}
    absent = sum(bool(passages[lang]) and not stands_in_passage(options[lang], passages[lang], lang) for lang in answers) / count
    return length + OTHER_TOPIC * (donor.topic != bundle.topic) + NOT_IN_PASSAGE * absent


def _may_stand(option: Mapping[str, str], bundle: Bundle, known: RightAnswers, beside: Sequence[Option] = ()) -> bool:
    return all(
        is_allowed(option[lang], question, known, [other[lang] for other in beside])
        for lang, question in bundle.by_lang.items()
    )
