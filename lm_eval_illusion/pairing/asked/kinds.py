"""Questions as weighted features of what they ask for, and how alike two questions ask.

In each language a question has three blocks of features: the class that its interrogative asks for; its words, the more the nearer they
stand to the interrogative and the more they tell (word_weights); and traits of its answer.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lm_eval_illusion.languages import language
from lm_eval_illusion.pairing.asked.agreement import UNKNOWN_KINDS, Agreed, agreed_kind, class_of
from lm_eval_illusion.pairing.asked.answer_traits import answer_traits
from lm_eval_illusion.pairing.asked.interrogatives import CHARACTERS_PER_WORD, AskedFor, asked_in
from lm_eval_illusion.pairing.asked.question_words import Word, question_words
from lm_eval_illusion.pairing.asked.word_weights import word_weights
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from lm_eval_illusion.pairing.arrays import Scores

ALIKE = 0.43
"""From this similarity on, two questions ask for the same kind of answer. "Who" and "which author" always reach it."""

# The most that the class, the words and the traits of the answer add to the similarity of two questions.
_BY_CLASS = (0.8, 0.1, 0.1)
"""The interrogative or a noun names the class or kind: who, which city."""
_BY_WORDS = (0.0, 0.55, 0.35)
"""No kind is known: with what. Even the same words leave a doubt."""
_PARENT_SHARE = 0.3
"""The share of the class in a kind that is a part of it: person in writer."""
_CLOSE_KINDS = (("title", "profession"), ("theory", "science"), ("organisation", "party", "company"))
"""Kinds that are better than any other where there are too few of the asked kind, and alike (`ALIKE`) if their answers look alike, too."""
_CLOSE_SHARE = 0.5
"""The share of what close kinds have in common."""
_RELATED_KINDS = (
    ("animal", "bird", "fish", "insect"),
    ("plant", "tree", "flower"),
    ("food", "drink", "fruit", "vegetable"),
    ("substance", "element", "particle", "material", "gem", "medicine"),
    ("film", "series", "book", "song", "artwork"),
    ("game", "sport", "activity"),
    ("team", "school", "medium"),
    ("war", "event", "holiday"),
    ("device", "vehicle", "weapon", "software"),
    ("letter", "symbol"),
)
"""Kinds that are never alike, and still better than any other."""
_RELATED_SHARE = 0.27
RELATED = 0.21
"""From this similarity on, two questions ask for related kinds: both for a part of one class, or for kinds of `_RELATED_KINDS`."""
_SHARED = {
    kind: (f"related {kinds[0]}", share)
    for groups, share in ((_CLOSE_KINDS, _CLOSE_SHARE), (_RELATED_KINDS, _RELATED_SHARE))
    for kinds in groups
    for kind in kinds
}

NEAR_WEIGHT, NEAR_WORDS = 3.0, 2.0
"""A word beside the interrogative has 1 + NEAR_WEIGHT times the weight of a far one; at a gap of NEAR_WORDS words, 1/e of the addition."""
NAME_WEIGHT = 0.1
"""A name within the question says what the question is about, not the kind of the answer."""
STEM_CHARACTERS = 5
"""Words with the same beginning count as the same, for they are mostly forms of one word. With spaces between words only."""


class AskedKinds:
    """What each of the questions asks for."""

    def __init__(self, questions: Sequence[ParallelQuestion]) -> None:
        self._rows = {question.id: row for row, question in enumerate(questions)}
        languages = sorted({lang for question in questions for lang in question.by_lang})
        agreed = [agreed_kind(question) for question in questions]
        self._features = {lang: _features(questions, agreed, lang) for lang in languages}

    def features(self, lang: str) -> csr_matrix:
        """Return the features in a language, [questions, features]: rows of length at most 1, empty where a question lacks the language."""
        return self._features[lang]

    def similarity(self, question: ParallelQuestion, donors: Sequence[ParallelQuestion]) -> Scores:
        """Return how alike each donor asks, [donors]: 0 for another kind, 1 for the same words; the mean over the question's languages."""
        import numpy as np

        rows = [self._rows[donor.id] for donor in donors]
        total = np.zeros(len(rows))
        for lang in question.by_lang:
            features = self._features[lang]
            total += (features[rows] @ features[self._rows[question.id]].T).toarray().ravel()
        return total / len(question.by_lang)

    def asked_alike(self, first: ParallelQuestion, second: ParallelQuestion) -> bool:
        """Return whether two questions ask for the same kind of answer."""
        return bool(self.similarity(first, [second])[0] >= ALIKE)


def _features(questions: Sequence[ParallelQuestion], agreed: Sequence[Agreed | None], lang: str) -> csr_matrix:
    import numpy as np
    from scipy.sparse import diags, hstack

    class_rows, word_rows, trait_rows = _Rows(), _Rows(), _Rows()
    share_rows = []
    for question, kind in zip(questions, agreed, strict=True):
        parsed = _parse(question, lang, kind)
        class_rows.add(_classes(parsed.asked) if parsed.traits else {})
        word_rows.add(parsed.words)
        trait_rows.add(dict.fromkeys(parsed.traits, 1.0))
        share_rows.append(_shares(parsed.asked))
    traits = trait_rows.matrix()
    traits = _unit_rows(traits @ diags(_rarity(traits)))
    words = word_rows.matrix()
    words = _unit_rows(words @ diags(word_weights(words, traits)))
    classes = class_rows.matrix()
    shares = np.sqrt(np.array(share_rows))
    blocks = [diags(shares[:, index]) @ block for index, block in enumerate((classes, words, traits))]
    features: csr_matrix = hstack(blocks).tocsr().astype(np.float32)
    # Words and traits of one question have no weight.
    features.eliminate_zeros()
    return features


@dataclass(frozen=True)
class _Parsed:
    """A question in one language: what it asks for, its words with their weight by place, the traits of its answer."""

    asked: AskedFor
    words: Mapping[str, float]
    traits: tuple[str, ...]


def _parse(question: ParallelQuestion, lang: str, agreed: Agreed | None = None) -> _Parsed:
    """Return the parts of a question; empty ones if it lacks the language. `agreed`: what its languages agree on."""
    translation = question.by_lang.get(lang)
    if translation is None:
        return _Parsed(AskedFor(), {}, ())
    text = question_words(translation.question, lang)
    asked = asked_in(translation.question, lang)
    # In their order, not as a set: the last bits of a similarity depend on the order of its features.
    traits = tuple(dict.fromkeys((f"form {question.form}", *answer_traits(translation.answer, lang))))
    words = _weights_by_place(text.words, asked, lang)
    # A finer kind of the same class stays.
    if agreed is not None and class_of(asked.kind) != class_of(agreed.kind):
        asked = replace(asked, kind=agreed.kind, by_noun=agreed.by_noun)
    return _Parsed(asked, words, traits)


def _weights_by_place(words: Iterable[Word], asked: AskedFor, lang: str) -> dict[str, float]:
    """Return the weight of each word: more beside the interrogative, less for a name. The interrogative itself is left out."""
    spaces = language(lang).words.spaces
    weights: dict[str, float] = {}
    for word in words:
        gap = max(word.start - asked.end, asked.start - word.start - 1, 0)
        is_within = asked.start <= word.start < asked.end
        if is_within and not asked.by_noun:
            continue
        nearness = 1 + NEAR_WEIGHT * math.exp(-gap / (NEAR_WORDS if spaces else NEAR_WORDS * CHARACTERS_PER_WORD))
        key = word.text[:STEM_CHARACTERS]
        weights[key] = max(weights.get(key, 0.0), nearness * (NAME_WEIGHT if word.is_name else 1.0))
    return weights


def _classes(asked: AskedFor) -> dict[str, float]:
    """Return the kind, and the class of which it is a part, so that "who" and "which author" share one."""
    if asked.kind in _SHARED:
        related, share = _SHARED[asked.kind]
        return {asked.kind: math.sqrt(1 - share), related: math.sqrt(share)}
    if not asked.parent or asked.parent == asked.kind:
        return {asked.kind: 1.0}
    return {asked.kind: math.sqrt(1 - _PARENT_SHARE), asked.parent: math.sqrt(_PARENT_SHARE)}


def _shares(asked: AskedFor) -> tuple[float, float, float]:
    return _BY_WORDS if asked.kind in UNKNOWN_KINDS else _BY_CLASS


class _Rows:
    """Rows of named numbers, added one by one to a sparse matrix: 100,000 rows as dictionaries would take 300 MB."""

    def __init__(self) -> None:
        self._columns: dict[str, int] = {}
        self._indices, self._values, self._ends = array("i"), array("f"), array("q", [0])

    def add(self, row: Mapping[str, float]) -> None:
        """Add a row, name -> number."""
        columns = self._columns
        self._indices.extend([columns.setdefault(name, len(columns)) for name in row])
        self._values.extend(row.values())
        self._ends.append(len(self._indices))

    def matrix(self) -> csr_matrix:
        """Return the matrix, [rows, names]; the names in the order of their first appearance."""
        import numpy as np
        from scipy.sparse import csr_matrix

        values, indices, ends = (np.array(part) for part in (self._values, self._indices, self._ends))
        return csr_matrix((values, indices, ends), shape=(len(ends) - 1, max(1, len(self._columns))))


def _rarity(matrix: csr_matrix) -> Scores:
    """Return the logarithm of all rows divided by those that have a feature, [features]; 0 for a feature of one row."""
    import numpy as np

    counts = np.asarray((matrix > 0).sum(axis=0), dtype=float).ravel()
    rarity: Scores = np.log((matrix.shape[0] + 1) / (counts + 0.5)) * (counts > 1)
    return rarity


def _unit_rows(matrix: csr_matrix) -> csr_matrix:
    """Return the matrix with rows of length 1; empty rows stay empty."""
    import numpy as np
    from scipy.sparse import diags

    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1), dtype=float).ravel())
    scaled: csr_matrix = (diags(1 / np.where(lengths > 0, lengths, 1)) @ matrix).tocsr()
    return scaled
