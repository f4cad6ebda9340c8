"""Question words: the words of a question that indicate the expected answer, such as who, when, how many.

There is no list of such words. They are learnt from the questions: the words whose presence has the highest mutual information with the
type of the answer.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Set

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.text.normalize import normalise
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
            for lang, translation in question.by_lang.items():
                by_lang[lang].append((question.id, _words(translation.question, lang), question.answer_type))
        self._weights = {lang: _weights([(words, kind) for _, words, kind in rows]) for lang, rows in by_lang.items()}
        self._words = {
            (question_id, lang): words & self._weights[lang].keys()
            for lang, rows in by_lang.items()
            for question_id, words, _ in rows
        }

    def in_question(self, question: ParallelQuestion, lang: str) -> _Words:
        """Return the question words that a question contains in a language."""
        return frozenset(self._words[question.id, lang])

    def difference(self, first: ParallelQuestion, second: ParallelQuestion, languages: Iterable[str]) -> float:
        """Return how different the question words of two questions are: 0 for the same, 1 if none is shared; mean over languages."""
        differences = [
            self.difference_of(lang, self._words[first.id, lang], self._words[second.id, lang]) for lang in languages
        ]
        return sum(differences) / len(differences)

    def difference_of(self, lang: str, first: Set[str], second: Set[str]) -> float:
        """Return how different two sets of question words of a language are: 0 for the same, 1 if none is shared."""
        if first == second:
            return 0.0
        weights = self._weights[lang]
        # Exact sums, because the order of a set differs between runs.
        return math.fsum(weights[word] for word in first ^ second) / math.fsum(weights[word] for word in first | second)


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
        entries = [(joint[word, kind], with_word[word], type_count) for kind, type_count in types.items()]
        entries += [
            (type_count - joint_count, count - word_count, type_count) for joint_count, word_count, type_count in list(entries)
        ]
        return sum(
            joint_count / count * math.log(joint_count * count / (word_count * type_count))
            for joint_count, word_count, type_count in entries
            if joint_count
        )

    frequent = [word for word, times in with_word.items() if times >= max(_MIN_COUNT, _MIN_SHARE * count)]
    informations = {word: information(word) for word in sorted(frequent)}
    best = sorted(informations, key=lambda word: (-informations[word], word))[:WORDS]
    return {word: informations[word] for word in best if informations[word] > _MIN_INFORMATION}
