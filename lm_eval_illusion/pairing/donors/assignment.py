"""Assignment of donors to questions: three candidates for each question at a low total cost, each answer about equally often.

An answer that is right n times in a file may be a wrong option 3 n times: then an option is right in 25 % of its uses. Each use beyond
that has a price, and each use below it a bonus. The price stays below the cost of a donor that is asked otherwise, so a fitting answer is
lent more often rather than a stranger is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lm_eval_illusion.pairing.arrays import Costs, Draws, Indices, Scores

DISTRACTORS = 3
"""Distractors of a question."""
USE_PRICE = 0.8
"""What each use of an answer costs more than the one before, for an answer that is right once."""
HIGHEST_PRICE = 5.0
"""The most that a use costs; the least is its negative."""
PASSES = 24
"""How often each question chooses again."""
_STEEPNESS = 1 / 64
"""The prices of the first pass, as a share of those of the last one."""
_BATCHES = 400
"""A pass consists of so many steps. The questions of one step choose at the same time, without seeing each other's choice."""


@dataclass
class Uses:
    """How often each answer is used as a wrong option.

    Attributes:
        right: [answers], how often each is right in the file.
        count: [answers], how often each is used.
    """

    right: Indices
    count: Indices

    def price(self, answers: Indices, steepness: float = 1.0, *, used: bool = False) -> Scores:
        """Return the price of one more use of each of the answers; with `used` that of the last use."""
        import numpy as np

        right = self.right[answers]
        above = (self.count[answers] + (not used) - DISTRACTORS * right) / np.maximum(1, right)
        price: Scores = np.clip(steepness * USE_PRICE * above, -HIGHEST_PRICE, HIGHEST_PRICE)
        return price

    def add(self, answers: Indices, times: int = 1) -> None:
        """Count uses of these answers."""
        import numpy as np

        np.add.at(self.count, answers.ravel(), times)


def assign(costs: Costs, answers: Indices, right: Indices, draws: Draws) -> Indices:
    """Choose three candidates for each question.

    The questions choose again and again, in small steps: each takes the three with the lowest sum of cost and price, as if it had none
    yet. Such a choice never makes the total worse, apart from the questions of the same step. The prices rise from pass to pass, as in an
    auction: a question with a good other choice leaves an answer to those that have none.

    Args:
        costs: [m, most], infinite behind the last candidate. Each question has at least three.
        answers: [m, most], the answer of each candidate.
        right: [answers], how often each answer is right in the file.
        draws: [m], random numbers; they say which questions choose in the same step.

    Returns:
        [m, 3], columns of `costs`.
    """
    import numpy as np

    # Neighbours in the order of the draws have the same candidates (`candidates.list_order`), and must not choose at the same time.
    order = np.argsort(draws * np.uint64(0x9E3779B97F4A7C15), kind="stable")
    uses = Uses(right, np.zeros(len(right), dtype=np.intp))
    every_answer = np.arange(len(right))
    steps = np.array_split(order, max(1, min(len(order), _BATCHES)))
    costs_of, answers_of = [costs[step] for step in steps], [answers[step] for step in steps]
    chosen_of = [np.zeros((len(step), DISTRACTORS), dtype=np.intp) for step in steps]
    for number in range(PASSES):
        steepness = _STEEPNESS ** (1 - (number + 1) / PASSES)
        # The prices of all answers are kept, since a step changes few of them.
        prices = uses.price(every_answer, steepness)
        for step_costs, step_answers, chosen in zip(costs_of, answers_of, chosen_of, strict=True):
            if number:
                given_back = np.take_along_axis(step_answers, chosen, axis=1).ravel()
                uses.add(given_back, -1)
                prices[given_back] = uses.price(given_back, steepness)
            totals = step_costs + prices[step_answers]
            chosen[:] = np.argpartition(totals, DISTRACTORS - 1, axis=1)[:, :DISTRACTORS]
            taken = np.take_along_axis(step_answers, chosen, axis=1).ravel()
            uses.add(taken)
            prices[taken] = uses.price(taken, steepness)
    found = np.empty((len(costs), DISTRACTORS), dtype=np.intp)
    found[order] = np.concatenate(chosen_of) if len(order) else found
    return np.sort(found, axis=1)
