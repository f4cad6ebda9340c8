"""The position of the answer among the four options: each position equally often in every language."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping

POSITIONS = 4
_MAX_PASSES = 30


def balance_gold_positions(languages: Mapping[str, frozenset[str]], seed: int) -> dict[str, int]:
    """Return question id -> position of the answer (0 to 3), the same in all languages of the question.

    In each language the counts of the four positions differ by at most one where the language sets of the questions are nested or
    disjoint. For other sets an even division may not exist, and the best one is hard to find (a vector balancing problem): the result
    is then a local optimum that moving single questions can't improve, reached by at most 30 passes.

    Args:
        languages: Question id -> the languages in which it becomes an item.
        seed: Seed of the order in which questions are placed.
    """
    rng = random.Random(seed)
    # Questions in the most languages first: the others fill up what these leave uneven.
    order = sorted(languages)
    rng.shuffle(order)
    order.sort(key=lambda question_id: -len(languages[question_id]))
    board = _PositionCounts(languages)
    for question_id in order:
        board.put(question_id, board.rarest(question_id, rng.sample(range(POSITIONS), POSITIONS)))
    for _ in range(_MAX_PASSES):
        if board.spread <= 1:
            break
        for question_id in order:
            board.move(question_id, rng)
    return board.positions


class _PositionCounts:
    """The position of each question, and how often each position is used in each language."""

    def __init__(self, languages: Mapping[str, frozenset[str]]) -> None:
        self.positions: dict[str, int] = {}
        self._languages = languages
        self._counts: Counter[tuple[str, int]] = Counter()

    def put(self, question_id: str, position: int) -> None:
        self.positions[question_id] = position
        self._counts.update((lang, position) for lang in self._languages[question_id])

    def rarest(self, question_id: str, order: Iterable[int]) -> int:
        """Return the position that is used least in the question's languages, the first in `order` of equals."""
        return min(order, key=lambda position: sum(self._counts[lang, position] for lang in self._languages[question_id]))

    def move(self, question_id: str, rng: random.Random) -> None:
        """Move a question to its rarest position. Of equally rare ones a random one is taken, so that later moves find new options."""
        position = self.positions[question_id]
        self._counts.subtract((lang, position) for lang in self._languages[question_id])
        self.put(question_id, self.rarest(question_id, rng.sample(range(POSITIONS), POSITIONS)))

    @property
    def spread(self) -> int:
        """The difference between the most and the least used position, in the language where it is largest."""
        languages = {lang for lang, _ in self._counts}
        counts = [[self._counts[lang, position] for position in range(POSITIONS)] for lang in languages]
        return max((max(counts_in_lang) - min(counts_in_lang) for counts_in_lang in counts), default=0)
