"""Options judged by their look alone, question unseen: what must not tell the answer from the distractors."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]
    CharactersByLanguage = Mapping[str, Counter[str]]


def count_characters(answers: Iterable[Mapping[str, str]]) -> CharactersByLanguage:
    """How often each character stands in the answers of each language. `answers`: language -> answer."""
    characters: dict[str, Counter[str]] = defaultdict(Counter)
    for by_lang in answers:
        for lang, answer in by_lang.items():
            characters[lang].update(answer)
    return characters


def look_scores(texts: Sequence[str], counts: Counter[str]) -> Scores:
    """[4, texts]: length, shortness, and log-likelihood under the `counts` of characters, in sum and per character."""
    import numpy as np

    total = counts.total() + 1  # an unseen character counts as one
    likelihood = [sum(math.log(max(1, counts[character]) / total) for character in text) for text in texts]
    lengths = [len(text) for text in texts]
    return np.array(
        [
            lengths,
            [-length for length in lengths],
            likelihood,
            [value / length for value, length in zip(likelihood, lengths, strict=True)],
        ],
        dtype=float,
    )


def answer_hits(scores: Scores) -> Scores:
    """[looks, 4], the answer's score first -> [looks], how far the answer is the highest; a tie is shared."""
    import numpy as np

    highest = np.isclose(scores, scores.max(axis=1, keepdims=True))
    hits: Scores = highest[:, 0] / highest.sum(axis=1)
    return hits
