"""Three distractors for each question, the same in all its languages.

Numbers and dates are changed. Other answers lend each other theirs: three rounds of an assignment that gives every answer away
once a round, so that an answer is a distractor three times as often as it is gold, and who picks options by their look alone (the longest,
the most frequent, the most likely) is right in one of four.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

from lm_eval_illusion.pairing.asked import Asked
from lm_eval_illusion.pairing.assignment import FORBIDDEN, assign, even_out
from lm_eval_illusion.pairing.bundles import Bundle, Option, lent
from lm_eval_illusion.pairing.compact import compact
from lm_eval_illusion.pairing.costs import cost_of
from lm_eval_illusion.pairing.looks import count_characters, look_scores
from lm_eval_illusion.pairing.number_distractors import number_distractors
from lm_eval_illusion.pairing.rules import RightAnswers, may_stand

if TYPE_CHECKING:
    from lm_eval_illusion.pairing.looks import CharactersByLanguage

Cost = Callable[[Bundle, Bundle], float]

WANTED = 3
LARGEST_GROUP = 300
"""An assignment among n answers looks at n x n pairs: more than this many are split, topics together."""


def choose_distractors(bundles: Sequence[Bundle], known: RightAnswers, seed: int) -> dict[str, list[Option]]:
    """id -> three options, for each bundle for which the rules leave three. Equal input and seed give equal output."""
    characters = count_characters(bundle.answers for bundle in bundles)
    chosen = number_distractors(bundles, known, characters, random.Random(f"{seed} numbers"))
    left = [bundle for bundle in bundles if bundle.id not in chosen]
    cost = partial(cost_of, known=known, asked=Asked(bundles))
    for group in _groups(left):
        rng = random.Random(f"{seed} {group[0].id}")
        chosen |= _assigned(group, cost, characters, rng)
    lenders = cache(lambda kind, languages: _lenders(bundles, kind, languages))
    for bundle in left:
        if len(chosen[bundle.id]) < WANTED:
            donors = lenders(bundle.answer_type, bundle.languages)
            chosen[bundle.id] += _filled(bundle, donors, chosen[bundle.id], cost, known)
    return {one_id: options for one_id, options in chosen.items() if len(options) == WANTED}


def _groups(bundles: Sequence[Bundle]) -> Iterator[list[Bundle]]:
    """Bundles of the same languages and answer type, topics together, at most LARGEST_GROUP at once."""
    alike: dict[tuple[str, frozenset[str]], list[Bundle]] = defaultdict(list)
    for bundle in bundles:
        alike[bundle.answer_type, bundle.languages].append(bundle)
    for same in alike.values():
        same.sort(key=lambda bundle: (bundle.topic, bundle.id))
        parts = math.ceil(len(same) / LARGEST_GROUP)
        size = math.ceil(len(same) / parts)
        yield from (same[start : start + size] for start in range(0, len(same), size))


def _assigned(
    group: Sequence[Bundle], cost: Cost, characters: CharactersByLanguage, rng: random.Random
) -> dict[str, list[Option]]:
    import numpy as np

    languages = sorted(group[0].languages)
    compacts = [_compacts(bundle, languages) for bundle in group]
    if len(set(compacts)) <= WANTED:
        return {bundle.id: [] for bundle in group}
    costs = np.array([[cost(donor, bundle) + 0.1 * rng.random() for donor in group] for bundle in group])

    @cache
    def clash(one: int, other: int) -> bool:
        return any(a in b or b in a for a, b in zip(compacts[one], compacts[other], strict=True))

    rows = assign(costs, clash)
    looks = np.concatenate([look_scores([bundle.answers[lang] for bundle in group], characters[lang]) for lang in languages])
    even_out(rows, looks, costs, clash, rng)
    options = {bundle.id: [lent(group[donor], bundle) for donor in donors] for bundle, donors in zip(group, rows, strict=True)}
    return {one_id: [option for option in chosen if option is not None] for one_id, chosen in options.items()}


def _compacts(bundle: Bundle, languages: Iterable[str]) -> tuple[str, ...]:
    return tuple(compact(bundle.answers[lang], lang) for lang in languages)


def _lenders(bundles: Sequence[Bundle], kind: str, languages: frozenset[str]) -> list[Bundle]:
    """All of the type in these languages and maybe more; of those with the same answers the first."""
    same = [bundle for bundle in bundles if bundle.answer_type == kind and bundle.languages >= languages]
    return list({_compacts(bundle, sorted(languages)): bundle for bundle in reversed(same)}.values())


def _filled(bundle: Bundle, donors: Sequence[Bundle], chosen: list[Option], cost: Cost, known: RightAnswers) -> list[Option]:
    """What is still missing, the cheapest first."""
    priced = sorted(((cost(donor, bundle), donor.id, donor) for donor in donors), key=lambda one: one[:2])
    more: list[Option] = []
    for price, _, donor in priced:
        option = lent(donor, bundle)
        if option is not None and price < FORBIDDEN and may_stand(option, bundle, known, [*chosen, *more]):
            more.append(option)
        if len(chosen) + len(more) == WANTED:
            break
    return more
