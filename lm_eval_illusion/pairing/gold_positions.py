"""Where the answer stands among the four options: each place equally often in every language."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping

PLACES = 4
_PASSES = 30


def gold_places(languages: Mapping[str, frozenset[str]], seed: int) -> dict[str, int]:
    """id -> place of the answer, the same in all its languages. `languages`: id -> the languages that it is asked in.

    In each language the four places are taken equally often, to one, where the ids' languages are nested or apart. Where they cross in many
    ways an even division of all languages at once may not exist, and finding the best one is a hard problem (balancing vectors): there the
    most even one that moving single ids leads to is taken.
    """
    rng = random.Random(seed)
    # Those in the most languages first: the others fill what they leave uneven.
    order = sorted(languages)
    rng.shuffle(order)
    order.sort(key=lambda one_id: -len(languages[one_id]))
    board = _Board(languages)
    for one_id in order:
        board.put(one_id, board.best(one_id, rng.sample(range(PLACES), PLACES)))
    for _ in range(_PASSES):
        if board.spread <= 1:
            break
        for one_id in order:
            board.move(one_id, rng)
    return board.places


class _Board:
    """Who stands where, and how often each place is taken in each language."""

    def __init__(self, languages: Mapping[str, frozenset[str]]) -> None:
        self.places: dict[str, int] = {}
        self._languages = languages
        self._taken: Counter[tuple[str, int]] = Counter()

    def put(self, one_id: str, place: int) -> None:
        self.places[one_id] = place
        self._taken.update((lang, place) for lang in self._languages[one_id])

    def best(self, one_id: str, order: Iterable[int]) -> int:
        """The place that is taken least in its languages; the first of equals."""
        return min(order, key=lambda place: sum(self._taken[lang, place] for lang in self._languages[one_id]))

    def move(self, one_id: str, rng: random.Random) -> None:
        """To its best place; a drawn one of equals, which opens ways for others."""
        place = self.places[one_id]
        self._taken.subtract((lang, place) for lang in self._languages[one_id])
        self.put(one_id, self.best(one_id, rng.sample(range(PLACES), PLACES)))

    @property
    def spread(self) -> int:
        """By how much the most and the least taken place differ, in the language where they differ most."""
        languages = {lang for lang, _ in self._taken}
        counts = [[self._taken[lang, place] for place in range(PLACES)] for lang in languages]
        return max((max(of_lang) - min(of_lang) for of_lang in counts), default=0)
