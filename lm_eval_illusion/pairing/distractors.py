"""Three distractors for each question, the same in all its languages: first who can have them, then which ones those asked get.

Numbers and dates are changed, other answers lend each other theirs.

Numbers beside which only numbers of another format could stand (42 inches, 1.067 m | in AD 80): better left out, if few.

Answers of one type in the same languages lend each other their distractors.

Three rounds of an assignment give every answer away once a round, so that an answer is a distractor three times as often as it is gold. Of
those that are asked in the end, donors are swapped until who picks options by their look alone (the longest, the most likely) is right in
one of four.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from lm_eval_illusion.matching.normalize import compact
from lm_eval_illusion.pairing.assignment import FORBIDDEN, ROUNDS, assign
from lm_eval_illusion.pairing.numbers.distractors import NumberDistractors
from lm_eval_illusion.pairing.option_rules import RightAnswers, cost_of, format_mismatch, is_valid_distractor
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion, as_option
from lm_eval_illusion.pairing.question_words import QuestionWords
from lm_eval_illusion.pairing.surface_cues import balance_surface_cues, count_characters, look_scores

if TYPE_CHECKING:
    from lm_eval_illusion.pairing.assignment import Scores
    from lm_eval_illusion.pairing.surface_cues import CharactersByLanguage


LEAST_PAIRED = 0.95
"""The share of the questions of each language that is kept, misfits or not."""
WORST_KEPT = 0.5
"""The share of distractors of another format that is borne anyway."""


def drop_misfits(misfits: Mapping[str, float], pairing: Sequence[ParallelQuestion], asked: Mapping[str, int]) -> list[str]:
    """The ids to leave out, the worst first.

    `misfits`: id -> share of distractors of another format. `pairing`: all that pair. `asked`: questions of each language.
    """
    by_id = {bundle.id: bundle for bundle in pairing}
    kept = Counter(lang for bundle in pairing for lang in bundle.languages)
    dropped = []
    for one_id in sorted(misfits.keys() & by_id.keys(), key=lambda one_id: (-misfits[one_id], one_id)):
        languages = by_id[one_id].languages
        if misfits[one_id] > WORST_KEPT and all(kept[lang] - 1 >= LEAST_PAIRED * asked[lang] for lang in languages):
            dropped.append(one_id)
            kept.subtract(languages)
    return dropped


Cost = Callable[[ParallelQuestion, ParallelQuestion], float]

LARGEST_GROUP = 300
"""An assignment among n answers looks at n x n pairs: more than this many are split, topics together."""


class AnswerGroup:
    """Bundles of the same languages and answer type, with the donors of each; which may stay short where the rules leave too little."""

    def __init__(self, bundles: Sequence[ParallelQuestion], cost: Cost, seed: int) -> None:
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

    def drafted(self) -> Iterator[tuple[ParallelQuestion, list[Option]]]:
        """Each bundle with what it is lent before anything is evened out."""
        return zip(self._bundles, self._options(self._rows), strict=True)

    def options(self, ids: Collection[str], characters: CharactersByLanguage) -> dict[str, list[Option]]:
        """id -> three options, for those of the bundles that are among `ids` and are lent three, evened out among these."""
        asked = {row for row, one in enumerate(self._bundles) if one.id in ids and len(self._rows[row]) == ROUNDS}
        rows = [list(donors) for donors in self._rows]
        if asked:
            balance_surface_cues(
                rows, asked, self._looks(characters), self._costs, self._clash, random.Random(f"{self._seed} even")
            )
        options = self._options(rows)
        return {self._bundles[row].id: options[row] for row in sorted(asked)}

    def _options(self, rows: Sequence[Sequence[int]]) -> list[list[Option]]:
        lent_to = [
            [as_option(self._bundles[donor], one) for donor in row] for one, row in zip(self._bundles, rows, strict=True)
        ]
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


def groups_of(bundles: Iterable[ParallelQuestion], cost: Cost, seed: int) -> Iterator[AnswerGroup]:
    """Groups of at most LARGEST_GROUP, topics together."""
    alike: dict[tuple[str, frozenset[str]], list[ParallelQuestion]] = defaultdict(list)
    for bundle in bundles:
        alike[bundle.answer_type, bundle.languages].append(bundle)
    for same in alike.values():
        same.sort(key=lambda bundle: (bundle.topic, bundle.id))
        size = math.ceil(len(same) / math.ceil(len(same) / LARGEST_GROUP))
        yield from (AnswerGroup(same[start : start + size], cost, seed) for start in range(0, len(same), size))


def compacts(bundle: ParallelQuestion, languages: Iterable[str]) -> tuple[str, ...]:
    """Its answers as they are compared."""
    return tuple(compact(bundle.answers[lang], lang) for lang in languages)


class AnswerPool:
    """All who may help out those who are lent too little in their group: of the type, in their languages and maybe more."""

    def __init__(self, bundles: Sequence[ParallelQuestion], cost: Cost, known: RightAnswers) -> None:
        self._bundles, self._cost, self._known = bundles, cost, known
        self._found: dict[tuple[str, frozenset[str]], list[ParallelQuestion]] = {}

    def fill(self, bundle: ParallelQuestion, chosen: list[Option]) -> list[Option]:
        """With what is still missing, the cheapest first, as far as the rules allow."""
        filled = list(chosen)
        priced = sorted(((self._cost(one, bundle), one.id, one) for one in self._of(bundle)), key=lambda one: one[:2])
        for price, _, donor in priced:
            option = as_option(donor, bundle)
            if (
                len(filled) < ROUNDS
                and option is not None
                and price < FORBIDDEN
                and is_valid_distractor(option, bundle, self._known, filled)
            ):
                filled.append(option)
        return filled

    def _of(self, bundle: ParallelQuestion) -> list[ParallelQuestion]:
        """Of those with the same answers the first."""
        kind, languages = bundle.answer_type, bundle.languages
        if (kind, languages) not in self._found:
            same = [one for one in self._bundles if one.answer_type == kind and one.languages >= languages]
            firsts = {compacts(one, sorted(languages)): one for one in reversed(same)}
            self._found[kind, languages] = list(firsts.values())
        return self._found[kind, languages]


class Distractors:
    """What can stand beside the answers of `bundles`. Equal input and seed give equal output."""

    def __init__(self, bundles: Sequence[ParallelQuestion], known: RightAnswers, seed: int) -> None:
        self._seed = seed
        self._characters = count_characters(bundle.answers for bundle in bundles)
        self._numbers = NumberDistractors(bundles, known)
        cost = partial(cost_of, known=known, asked=QuestionWords(bundles))
        self._groups = list(groups_of((one for one in bundles if one.id not in self._numbers.ids), cost, seed))
        lenders = AnswerPool(bundles, cost, known)
        drafted = [(bundle, options) for group in self._groups for bundle, options in group.drafted()]
        filled = {one.id: lenders.fill(one, options) for one, options in drafted if len(options) < ROUNDS}
        self._filled = {one_id: options for one_id, options in filled.items() if len(options) == ROUNDS}
        whole = {bundle.id: self._filled.get(bundle.id, options) for bundle, options in drafted}
        self._lent = {bundle.id: (bundle, whole[bundle.id]) for bundle, _ in drafted if len(whole[bundle.id]) == ROUNDS}

    @property
    def ids(self) -> frozenset[str]:
        """Those for which the rules leave three."""
        return self._numbers.ids | self._lent.keys()

    @property
    def misfits(self) -> dict[str, float]:
        """id -> the share of numbers of another format beside it, for answers that are numbers and are lent some."""
        numbers = {one_id: lent for one_id, lent in self._lent.items() if lent[0].answer_type in ("number", "date")}
        shares = {
            one_id: sum(format_mismatch(o, bundle) for o in options) / ROUNDS for one_id, (bundle, options) in numbers.items()
        }
        return {one_id: share for one_id, share in shares.items() if share}

    def options(self, ids: Collection[str]) -> dict[str, list[Option]]:
        """id -> three options, for those of `ids` that can have them, chosen so that nothing in their look gives the answers away."""
        chosen = self._numbers.options(ids, self._characters, random.Random(f"{self._seed} numbers"))
        for group in self._groups:
            chosen |= group.options(ids, self._characters)
        return chosen | {one_id: options for one_id, options in self._filled.items() if one_id in ids}
