"""What a question asks for, by the words that tell it in its language: who, when, how many.

No list of such words is kept. They are the words whose presence in a question says most about the type of its answer (by mutual
information), and the questions themselves show which these are.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from lm_eval_illusion.matching.normalize import normalise
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion

WORDS = 10
"""Telling words a language."""
_LEAST_SHARE, _LEAST_COUNT = 0.02, 3
_NO_SPACES = frozenset(("ja", "th", "zh"))

_Words = frozenset[str]


class QuestionWords:
    """The telling words of each question among `bundles`."""

    def __init__(self, bundles: Iterable[ParallelQuestion]) -> None:
        asked: dict[str, list[tuple[str, _Words, str]]] = defaultdict(list)
        for bundle in bundles:
            for lang, question in bundle.by_lang.items():
                asked[lang].append((bundle.id, _words(question.question, lang), bundle.answer_type))
        self._weights = {lang: _telling([(words, kind) for _, words, kind in of_lang]) for lang, of_lang in asked.items()}
        self._words = {
            (one_id, lang): words & self._weights[lang].keys()
            for lang, of_lang in asked.items()
            for one_id, words, _ in of_lang
        }

    def telling(self, bundle: ParallelQuestion, lang: str) -> _Words:
        """The words of its question that tell what it asks for."""
        return frozenset(self._words[bundle.id, lang])

    def difference(self, one: ParallelQuestion, other: ParallelQuestion, languages: Iterable[str]) -> float:
        """0 where two questions ask by the same words, 1 where they share none, in the mean of the languages."""
        differences = [self._difference(lang, self._words[one.id, lang], self._words[other.id, lang]) for lang in languages]
        return sum(differences) / len(differences)

    def _difference(self, lang: str, one: _Words, other: _Words) -> float:
        if one == other:
            return 0.0
        weights = self._weights[lang]
        # Exact sums: the order of a set changes from run to run.
        return math.fsum(weights[word] for word in one ^ other) / math.fsum(weights[word] for word in one | other)


def _words(question: str, lang: str) -> _Words:
    """Words; pairs of characters where words are not spaced."""
    normalised = normalise(question, lang)
    if lang not in _NO_SPACES:
        return frozenset(normalised.split())
    letters = normalised.replace(" ", "")
    return frozenset(letters[place : place + 2] for place in range(len(letters) - 1))


def _telling(asked: list[tuple[_Words, str]]) -> Mapping[str, float]:
    """The words that say most about the type of the answer -> how much, in nats."""
    count, kinds = len(asked), Counter(kind for _, kind in asked)
    with_word = Counter(word for words, _ in asked for word in words)
    joint = Counter((word, kind) for words, kind in asked for word in words)

    def information(word: str) -> float:
        cells = [(joint[word, kind], with_word[word], of_kind) for kind, of_kind in kinds.items()]
        cells += [(of_kind - both, count - all_with, of_kind) for both, all_with, of_kind in list(cells)]
        return sum(both / count * math.log(both * count / (side * of_kind)) for both, side, of_kind in cells if both)

    frequent = [word for word, times in with_word.items() if times >= max(_LEAST_COUNT, _LEAST_SHARE * count)]
    told = {word: information(word) for word in sorted(frequent)}
    best = sorted(told, key=lambda word: (-told[word], word))[:WORDS]
    return {word: told[word] for word in best if told[word] > 1e-9}
