"""A stand-in for the similarity of what questions ask for: shared words, the rarer the heavier."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lm_eval_illusion.matching.text.normalize import normalise
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALIKE = 0.3
"""From this similarity on, two questions ask for the same kind of thing."""


class AskedKinds:
    """The words of each question in each language, as rows of length 1."""

    def __init__(self, questions: Sequence[ParallelQuestion]) -> None:
        import numpy as np
        from scipy.sparse import csr_matrix

        self._index = {question.id: index for index, question in enumerate(questions)}
        self._features = {}
        for lang in sorted({lang for question in questions for lang in question.by_lang}):
            words = [
                sorted(set(normalise(question.by_lang[lang].question, lang).split())) if lang in question.by_lang else []
                for question in questions
            ]
            counts = Counter(word for row in words for word in row)
            columns = {word: column for column, word in enumerate(sorted(word for word, count in counts.items() if count > 1))}
            total = sum(map(bool, words))
            rows: list[int] = []
            entries: list[int] = []
            values: list[float] = []
            for row, row_words in enumerate(words):
                known = [word for word in row_words if word in columns]
                weights = [math.log(1 + total / counts[word]) for word in known]
                length = math.sqrt(sum(weight * weight for weight in weights)) or 1.0
                rows += [row] * len(known)
                entries += [columns[word] for word in known]
                values += [weight / length for weight in weights]
            self._features[lang] = csr_matrix(
                (np.array(values, dtype=np.float32), (rows, entries)), shape=(len(questions), len(columns))
            )

    def features(self, lang: str):  # type: ignore[no-untyped-def]
        """Return [questions, words of the language]; the row is empty if the question lacks the language."""
        return self._features[lang]

    def similarity(self, question: ParallelQuestion, donors: Sequence[ParallelQuestion]) -> NDArray[np.float64]:
        """Return [donors]: the mean over the question's languages of the product of the rows."""
        rows = [self._index[donor.id] for donor in donors]
        own = self._index[question.id]
        total = sum(self._features[lang][rows] @ self._features[lang][own].T for lang in question.by_lang)
        similarity: NDArray[np.float64] = total.toarray().ravel().astype(float) / len(question.by_lang)
        return similarity

    def asked_alike(self, first: ParallelQuestion, second: ParallelQuestion) -> bool:
        """Return whether two questions ask for the same kind of thing."""
        return bool(self.similarity(first, [second])[0] >= ALIKE)
