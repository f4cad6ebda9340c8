"""The cost of each donor's answer as a distractor of a question, for many donors at once.

The work for n questions and d donors is n x d in arrays and in substring tests, whatever the questions share: an option is tested against
the right answers of a question text once, not once for each question with this text.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Generic, TypeVar

from lm_eval_illusion.matching import occurs_in_passage
from lm_eval_illusion.matching.text.normalize import compact
from lm_eval_illusion.pairing.answer_types import script_of
from lm_eval_illusion.pairing.assignment import FORBIDDEN
from lm_eval_illusion.pairing.option_rules import MAX_LENGTH_RATIO, RightAnswers, number_format, overlaps
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion, has_english_form, option_language
from lm_eval_illusion.pairing.question_words import QuestionWords

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lm_eval_illusion.pairing.assignment import Scores

    Flags = NDArray[np.bool_]
    Indices = NDArray[np.intp]

# Weights of the cost. The unit is a factor e between the lengths of distractor and answer.
TOPIC_WEIGHT = 1.0
PASSAGE_WEIGHT = 2.0
QUESTION_WORDS_WEIGHT = 1.5
FORMAT_WEIGHT = 3.0

_MOST_KEPT = 256
"""Results kept per language for questions that share a text, a length or question words."""


def distractor_costs(
    questions: Sequence[ParallelQuestion],
    donors: Sequence[ParallelQuestion],
    answer_key: RightAnswers,
    words: QuestionWords,
) -> Iterator[Scores]:
    """Yield for each question the costs of the donors' answers as its distractors, [donors]; FORBIDDEN where a rule forbids one.

    The cost is a weighted sum, averaged over the languages of the question: the absolute log ratio of the lengths in characters, another
    topic (0 or 1), the option not in the passage, other question words (0 to 1), and a number of another format. `option_language` ensures
    that the option is in the script of the answer.

    Args:
        questions: Questions in the same languages.
        donors: Questions in at least these languages.
        answer_key: The right answers of all questions.
        words: The question words of all questions.
    """
    languages = sorted({lang for question in questions for lang in question.by_lang})
    in_lang = {lang: _Donors(donors, lang, answer_key, words) for lang in languages}
    ids, topics = _Codes(donor.id for donor in donors), _Codes(donor.topic for donor in donors)
    for question in questions:
        yield _row(
            question, [in_lang[lang] for lang in question.by_lang], ids.differ(question.id), topics.differ(question.topic)
        )


def _row(question: ParallelQuestion, in_lang: Sequence[_Donors], is_other: Flags, other_topic: Flags) -> Scores:
    import numpy as np

    count = len(in_lang)
    allowed = is_other.copy()
    options = []
    for donors in in_lang:
        texts = donors.options(question)
        allowed &= (texts >= 0) & donors.is_near(question)[texts] & donors.is_valid(question)[texts]
        options.append(texts)
    length, passage, words, other_format = np.zeros((4, len(allowed)))
    for donors, texts in zip(in_lang, options, strict=True):
        length += donors.length_cost(question)[texts]
        passage += donors.not_in_passage(question, texts, allowed)
        words += donors.other_words(question)
        other_format += donors.is_other_format(question)[texts]
    cost: Scores = (
        length / count
        + TOPIC_WEIGHT * other_topic
        + PASSAGE_WEIGHT * (passage / count)
        + QUESTION_WORDS_WEIGHT * (words / count)
        + FORMAT_WEIGHT * (other_format / count)
    )
    cost[~allowed] = FORBIDDEN
    return cost


_Value = TypeVar("_Value", bound=Hashable)


class _Codes(Generic[_Value]):
    """Values as indices into a list of different values. `of`: [n], the index of each."""

    def __init__(self, values: Iterable[_Value]) -> None:
        import numpy as np

        self.different: dict[_Value, int] = {}
        self.of = np.array([self.different.setdefault(value, len(self.different)) for value in values], dtype=np.intp)

    def differ(self, value: _Value) -> Flags:
        """Return [n]: whether each is another value."""
        result: Flags = self.of != self.different.get(value, -1)
        return result


class _Donors:
    """The answers of donors as options in one language.

    A method with `question` returns [different option texts], except `options`, `not_in_passage` and `other_words`, which return [donors].
    """

    def __init__(self, donors: Sequence[ParallelQuestion], lang: str, answer_key: RightAnswers, words: QuestionWords) -> None:
        import numpy as np

        self._lang, self._answer_key = lang, answer_key
        answers = [donor.by_lang[lang].answer for donor in donors]
        english = [donor.english_answer for donor in donors]
        texts = dict.fromkeys([*answers, *english])
        index = {text: number for number, text in enumerate(texts)}
        self._texts = list(texts)
        self._compact = [compact(text, lang) for text in texts]
        # Index of the option text of each donor: its answer, its English form, none.
        self._columns = np.array([[index[text] for text in answers], [index[text] for text in english], [-1] * len(donors)])
        self._lengths = np.array([len(text) for text in texts])
        self._formats = _Codes(number_format(text) for text in texts)
        # What `option_language` depends on. One donor of each kind stands for all of them.
        self._kinds = _Codes(
            (script_of(answer, lang), donor.form, has_english_form(donor, lang))
            for answer, donor in zip(answers, donors, strict=True)
        )
        self._of_kind = [donors[int(np.argmax(self._kinds.of == kind))] for kind in range(len(self._kinds.different))]
        self._words, self._word_sets = words, _Codes(words.in_question(donor, lang) for donor in donors)
        self._kept_is_valid = lru_cache(_MOST_KEPT)(self._is_valid)
        self._kept_length_cost = lru_cache(_MOST_KEPT)(self._length_cost)
        self._kept_other_words = lru_cache(_MOST_KEPT)(self._other_words)

    def options(self, question: ParallelQuestion) -> Indices:
        """Return the option text of each donor, -1 where it has none."""
        import numpy as np

        columns = {"en": 1, None: 2, self._lang: 0}
        of_kind = np.array([columns[option_language(self._lang, donor, question)] for donor in self._of_kind], dtype=np.intp)
        options: Indices = self._columns[of_kind[self._kinds.of], np.arange(len(self._kinds.of))]
        return options

    def is_near(self, question: ParallelQuestion) -> Flags:
        ratios = self._lengths / len(question.by_lang[self._lang].answer)
        return (ratios >= 1 / MAX_LENGTH_RATIO) & (ratios <= MAX_LENGTH_RATIO)

    def is_valid(self, question: ParallelQuestion) -> Flags:
        return self._kept_is_valid(compact(question.by_lang[self._lang].question, self._lang))

    def _is_valid(self, question_text: str) -> Flags:
        import numpy as np

        rights = self._answer_key[self._lang, question_text]
        return np.array([text not in question_text and not overlaps(text, rights) for text in self._compact], dtype=bool)

    def length_cost(self, question: ParallelQuestion) -> Scores:
        return self._kept_length_cost(len(question.by_lang[self._lang].answer))

    def _length_cost(self, length: int) -> Scores:
        import numpy as np

        # `math.log`, because the last bit of numpy's logarithm differs between machines. An empty text is never an option.
        return np.array([abs(math.log(max(1, other) / length)) for other in self._lengths.tolist()], dtype=float)

    def is_other_format(self, question: ParallelQuestion) -> Flags:
        return self._formats.differ(number_format(question.by_lang[self._lang].answer))

    def not_in_passage(self, question: ParallelQuestion, texts: Indices, needed: Flags) -> Flags:
        """Return whether there is a passage and the option is not in it, where `needed`."""
        import numpy as np

        result = np.zeros(len(texts), dtype=bool)
        passage = question.by_lang[self._lang].context
        if passage:
            occurs = partial(occurs_in_passage, passage=passage, lang=self._lang)
            result[needed] = [not occurs(self._texts[text]) for text in texts[needed].tolist()]
        return result

    def other_words(self, question: ParallelQuestion) -> Scores:
        return self._kept_other_words(self._words.in_question(question, self._lang))

    def _other_words(self, own: frozenset[str]) -> Scores:
        import numpy as np

        different = [self._words.difference_of(self._lang, words, own) for words in self._word_sets.different]
        result: Scores = np.array(different, dtype=float)[self._word_sets.of]
        return result
