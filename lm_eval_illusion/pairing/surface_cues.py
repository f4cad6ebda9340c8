"""Surface cues: features of the options alone (length, character likelihood) that could reveal the answer without the question.

Options are chosen so that guessing by any cue ("the longest option") is right for 25 % of the questions, as by chance: `donors.cue_balance`
does so for names and phrases, `numbers.distractors` for numbers.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lm_eval_illusion.pairing.arrays import Scores

CharactersByLanguage = Mapping[str, Counter[str]]
"""Language -> how often each character occurs in the answers."""


def count_characters(answers: Iterable[Mapping[str, str]]) -> CharactersByLanguage:
    """Count the characters of the answers in each language. `answers`: mappings language -> answer."""
    characters: dict[str, Counter[str]] = defaultdict(Counter)
    for by_lang in answers:
        for lang, answer in by_lang.items():
            characters[lang].update(answer)
    return characters


def surface_scores(texts: Sequence[str], counts: Counter[str]) -> Scores:
    """Return the scores of texts by each cue, [4 cues, texts].

    The cues: length in characters, negative length, and the log-likelihood of the characters under `counts`, as a sum and per character.
    """
    import numpy as np

    total = counts.total() + 1  # An unseen character counts as one.
    logarithms = {character: math.log(max(1, counts[character]) / total) for character in set().union(*texts)}
    likelihoods = [sum(map(logarithms.__getitem__, text)) for text in texts]
    lengths = [len(text) for text in texts]
    return np.array(
        [
            lengths,
            [-length for length in lengths],
            likelihoods,
            [likelihood / length for likelihood, length in zip(likelihoods, lengths, strict=True)],
        ],
        dtype=float,
    )


def answer_hits(scores: Scores) -> Scores:
    """Return for each cue the probability that the option with the highest score is the answer: 1, 0, or 1/k in a tie of k options.

    Args:
        scores: [..., 4], such as [cues, 4] or [cues, questions, 4]; the score of the answer first.

    Returns:
        [...], such as [cues] or [cues, questions].
    """
    import numpy as np

    # Column by column: reductions over an axis of four take several times as long, and a pairing makes millions of these tests.
    # Two scores are equal as `np.isclose` says.
    columns = [scores[..., place] for place in range(scores.shape[-1])]
    best = reduce(np.maximum, columns)
    limit = 1e-8 + 1e-5 * np.abs(best)
    highest = [(best - column <= limit).astype(float) for column in columns]
    hits: Scores = highest[0] / reduce(np.add, highest)
    return hits
