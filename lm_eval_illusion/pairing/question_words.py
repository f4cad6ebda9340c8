"""The words of a question that show what it asks for: who, when, how many.

There is no list of such words. They are learnt from the questions themselves: the words whose presence has the highest mutual information
with the type of the answer.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.normalize import normalise
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion

WORDS = 10
"""Question words per language."""
_MIN_SHARE, _MIN_COUNT = 0.02, 3
"""A question word occurs in at least this share of the questions of a language, and in at least so many."""
_MIN_INFORMATION = 1e-9

_Words = frozenset[str]


class QuestionWords:
    """The question words of each language, learnt from `questions`, and those that each question contains."""

    def __init__(self, questions: Iterable[ParallelQuestion]) -> None:
        by_lang: dict[str, list[tuple[str, _Words, str]]] = defaultdict(list)
        for question in questions:
            for lang, asked in question.by_lang.items():
                by_lang[lang].append((question.id, _words(asked.question, lang), question.answer_type))
        self._weights = {lang: _weights([(words, kind) for _, words, kind in rows]) for lang, rows in by_lang.items()}
        self._words = {
            (one_id, lang): words & self._weights[lang].keys() for lang, rows in by_lang.items() for one_id, words, _ in rows
        }

    def in_question(self, question: ParallelQuestion, lang: str) -> _Words:
        """Return the question words that a question contains in a language."""
        return frozenset(self._words[question.id, lang])

    def difference(self, one: ParallelQuestion, other: ParallelQuestion, languages: Iterable[str]) -> float:
        """Return how different the question words of two questions are: 0 for the same, 1 if none is shared; mean over languages."""
        differences = [self._difference(lang, self._words[one.id, lang], self._words[other.id, lang]) for lang in languages]
        return sum(differences) / len(differences)

    def _difference(self, lang: str, one: _Words, other: _Words) -> float:
        if one == other:
            return 0.0
        weights = self._weights[lang]
        # Exact sums, because the order of a set differs between runs.
        return math.fsum(weights[word] for word in one ^ other) / math.fsum(weights[word] for word in one | other)


def _words(question: str, lang: str) -> _Words:
    """Return the words of a question; pairs of characters where spaces do not separate words."""
    normalised = normalise(question, lang)
    if language(lang).words.spaces:
        return frozenset(normalised.split())
    characters = normalised.replace(" ", "")
    return frozenset(characters[index : index + 2] for index in range(len(characters) - 1))


def _weights(questions: list[tuple[_Words, str]]) -> Mapping[str, float]:
    """Return the `WORDS` most informative words and their mutual information with the type of the answer, in nats.

    `questions`: the words of each question and the type of its answer.
    """
    count, types = len(questions), Counter(kind for _, kind in questions)
    with_word = Counter(word for words, _ in questions for word in words)
    joint = Counter((word, kind) for words, kind in questions for word in words)

    def information(word: str) -> float:
        entries = [(joint[word, kind], with_word[word], of_type) for kind, of_type in types.items()]
        entries += [(of_type - both, count - all_with, of_type) for both, all_with, of_type in list(entries)]
        return sum(both / count * math.log(both * count / (side * of_type)) for both, side, of_type in entries if both)

    frequent = [word for word, times in with_word.items() if times >= max(_MIN_COUNT, _MIN_SHARE * count)]
    informations = {word: information(word) for word in sorted(frequent)}
    best = sorted(informations, key=lambda word: (-informations[word], word))[:WORDS]
    return {word: informations[word] for word in best if informations[word] > _MIN_INFORMATION}
