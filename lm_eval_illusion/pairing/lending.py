"""Answers of one type in the same languages lend each other their distractors.

Three rounds of an assignment give every answer away once a round, so that an answer is a distractor three times as often as it is gold. Of
those that are asked in the end, donors are swapped until who picks options by their look alone (the longest, the most likely) is right in
one of four.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from lm_eval_illusion.pairing.assignment import FORBIDDEN, ROUNDS, assign, even_out
from lm_eval_illusion.pairing.bundles import Bundle, Option, lent
from lm_eval_illusion.pairing.compact import compact
from lm_eval_illusion.pairing.looks import look_scores
from lm_eval_illusion.pairing.rules import RightAnswers, may_stand

if TYPE_CHECKING:
    from lm_eval_illusion.pairing.looks import CharactersByLanguage, Scores

Cost = Callable[[Bundle, Bundle], float]

LARGEST_GROUP = 300
"""An assignment among n answers looks at n x n pairs: more than this many are split, topics together."""


class Group:
    """Bundles of the same languages and answer type, with the donors of each; which may stay short where the rules leave too little."""

    def __init__(self, bundles: Sequence[Bundle], cost: Cost, seed: int) -> None:
        import numpy as np

        self._bundles, self._seed = bundles, f"{seed} {bundles[0].id}"
        self._languages = sorted(bundles[0].languages)
        self._compacts = [compacts(bundle, self._languages) for bundle in bundles]
        self._clashes: dict[tuple[int, int], bool] = {}
        self._rows: list[list[int]] = [[] for _ in bundles]
        if len(set(self._compacts)) > ROUNDS:
            rng = random.Random(self._seed)
            self._costs: Scores = np.array([[cost(donor, one) + 0.1 * rng.random() for donor in bundles] for one in bundles])
            self._rows = assign(self._costs, self._clash)

    def drafted(self) -> Iterator[tuple[Bundle, list[Option]]]:
        """Each bundle with what it is lent before anything is evened out."""
        return zip(self._bundles, self._options(self._rows), strict=True)

    def options(self, ids: Collection[str], characters: CharactersByLanguage) -> dict[str, list[Option]]:
        """id -> three options, for those of the bundles that are among `ids` and are lent three, evened out among these."""
        asked = {row for row, one in enumerate(self._bundles) if one.id in ids and len(self._rows[row]) == ROUNDS}
        rows = [list(donors) for donors in self._rows]
        if asked:
            even_out(rows, asked, self._looks(characters), self._costs, self._clash, random.Random(f"{self._seed} even"))
        options = self._options(rows)
        return {self._bundles[row].id: options[row] for row in sorted(asked)}

    def _options(self, rows: Sequence[Sequence[int]]) -> list[list[Option]]:
        lent_to = [[lent(self._bundles[donor], one) for donor in row] for one, row in zip(self._bundles, rows, strict=True)]
        return [[option for option in options if option is not None] for options in lent_to]

    def _looks(self, characters: CharactersByLanguage) -> Scores:
        import numpy as np

        scores = [look_scores([one.answers[lang] for one in self._bundles], characters[lang]) for lang in self._languages]
        return np.concatenate(scores)

    def _clash(self, one: int, other: int) -> bool:
        if (one, other) not in self._clashes:
            pairs = zip(self._compacts[one], self._compacts[other], strict=True)
            self._clashes[one, other] = any(a in b or b in a for a, b in pairs)
        return self._clashes[one, other]


def groups_of(bundles: Iterable[Bundle], cost: Cost, seed: int) -> Iterator[Group]:
    """Groups of at most LARGEST_GROUP, topics together."""
    alike: dict[tuple[str, frozenset[str]], list[Bundle]] = defaultdict(list)
    for bundle in bundles:
        alike[bundle.answer_type, bundle.languages].append(bundle)
    for same in alike.values():
        same.sort(key=lambda bundle: (bundle.topic, bundle.id))
        size = math.ceil(len(same) / math.ceil(len(same) / LARGEST_GROUP))
        yield from (Group(same[start : start + size], cost, seed) for start in range(0, len(same), size))


def compacts(bundle: Bundle, languages: Iterable[str]) -> tuple[str, ...]:
    """Its answers as they are compared."""
    return tuple(compact(bundle.answers[lang], lang) for lang in languages)


class Lenders:
    """All who may help out those who are lent too little in their group: of the type, in their languages and maybe more."""

    def __init__(self, bundles: Sequence[Bundle], cost: Cost, known: RightAnswers) -> None:
        self._bundles, self._cost, self._known = bundles, cost, known
        self._found: dict[tuple[str, frozenset[str]], list[Bundle]] = {}

    def fill(self, bundle: Bundle, chosen: list[Option]) -> list[Option]:
        """With what is still missing, the cheapest first, as far as the rules allow."""
        filled = list(chosen)
        priced = sorted(((self._cost(one, bundle), one.id, one) for one in self._of(bundle)), key=lambda one: one[:2])
        for price, _, donor in priced:
            option = lent(donor, bundle)
            if (
                len(filled) < ROUNDS
                and option is not None
                and price < FORBIDDEN
                and may_stand(option, bundle, self._known, filled)
            ):
                filled.append(option)
        return filled

    def _of(self, bundle: Bundle) -> list[Bundle]:
        """Of those with the same answers the first."""
        kind, languages = bundle.answer_type, bundle.languages
        if (kind, languages) not in self._found:
            same = [one for one in self._bundles if one.answer_type == kind and one.languages >= languages]
            firsts = {compacts(one, sorted(languages)): one for one in reversed(same)}
            self._found[kind, languages] = list(firsts.values())
        return self._found[kind, languages]
