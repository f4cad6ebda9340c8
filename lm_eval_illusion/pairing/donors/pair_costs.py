"""The cost of a donor's answer as a distractor of a question, for many pairs at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from lm_eval_illusion.matching.text.normalize import compact
from lm_eval_illusion.matching.text.orthography import fold_letters
from lm_eval_illusion.pairing.asked.kinds import ALIKE, RELATED, AskedKinds
from lm_eval_illusion.pairing.donors.answer_table import AnswerTable, codes
from lm_eval_illusion.pairing.donors.text_index import TextIndex
from lm_eval_illusion.pairing.option_rules import MAX_LENGTH_RATIO
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from lm_eval_illusion.pairing.arrays import Draws, Flags, Indices, Scores

# Weights of the cost. The unit is a factor e between the lengths of distractor and answer.
STRANGER_WEIGHT = 12.0
"""A question that asks for another kind: a fitting answer is preferred, unless nearly everything that follows speaks against it."""
RELATED_WEIGHT = 11.0
"""In its place where the kinds are related (`asked.kinds.RELATED`): where there are too few of the asked kind, a bird beside an insect."""
SIMILARITY_WEIGHT = 5.0
TOPIC_WEIGHT = 1.0
PASSAGE_WEIGHT = 2.0
FORM_WEIGHT = 4.0
FORMAT_WEIGHT = 3.0
SCRIPT_WEIGHT = 4.0
"""Another script of the same writing: 日本 beside フランス."""
RANDOM_WEIGHT = 0.1
"""The largest random addition to a cost, which breaks ties by the seed."""
COST_STEPS = 2**30
"""A cost is a multiple of 1/COST_STEPS: the last bits of a sum differ between machines."""


class Rated(NamedTuple):
    """The pairs of question and donor that no rule on scripts, lengths, number formats or equal questions forbids, with cost and
    likeness."""

    questions: Indices
    donors: Indices
    cost: Scores
    alike: Flags


class PairCosts:
    """What the cost of a pair depends on, for n questions that are all donors too.

    The cost is a weighted sum, averaged over the languages of the question: asked for another kind, the absolute log ratio of the lengths
    in characters, another topic, the option not in the passage, another form, another script, and a number of another format.
    """

    def __init__(
        self, questions: Sequence[ParallelQuestion], tables: Sequence[AnswerTable], asked: AskedKinds, draws: Draws
    ) -> None:
        import numpy as np

        self._tables, self._draws = tables, draws
        self.features = stacked_features(asked, [table.lang for table in tables])
        self._language_counts = np.array([len(question.by_lang) for question in questions])
        self.topics = np.array(codes(question.topic for question in questions), dtype=np.intp)
        self._has_number = np.array([question.has_number for question in questions], dtype=bool)
        self._forms = np.array(codes(question.form for question in questions), dtype=np.intp)
        self.passages = [Passages(questions, table) for table in tables]
        self._question_texts = [
            np.array(codes(_question_text(question, table.lang) for question in questions), dtype=np.intp) for table in tables
        ]

    def rate(self, questions: Indices, donors: Indices) -> Rated:
        """Return cost and likeness of the pairs that may be.

        Args:
            questions: [pairs].
            donors: [pairs], donors in at least the languages of the question.
        """
        import numpy as np

        allowed = questions != donors
        texts_of_pairs = []
        for table, texts in zip(self._tables, self._question_texts, strict=True):
            answers, options = table.own[questions], table.options(questions, donors)
            is_near = np.abs(table.log_lengths[options] - table.log_lengths[answers]) <= _LONGEST
            # Another answer to the same question is right.
            fits = (options >= 0) & is_near & (texts[questions] != texts[donors])
            # Readers exclude a number of another format: a year beside a length, 52 beside 2922.
            numbers = np.flatnonzero(self._has_number[questions])
            fits[numbers] &= table.same_format(options[numbers], answers[numbers])
            allowed &= (answers < 0) | fits
            texts_of_pairs.append((answers, options))
        questions, donors = questions[allowed], donors[allowed]
        length, passage, other_format, other_script = np.zeros((4, len(questions)))
        for table, passages, both in zip(self._tables, self.passages, texts_of_pairs, strict=True):
            answers, options = both[0][allowed], both[1][allowed]
            has = answers >= 0
            length += np.where(has, np.abs(table.log_lengths[options] - table.log_lengths[answers]), 0.0)
            other_format += has & (table.formats[options] != table.formats[answers])
            other_script += has & (table.scripts[options] != table.scripts[answers])
            if passages.has_some:
                passage += passages.lack(questions, options)
        counts = self._language_counts[questions]
        similarity = self.similarity(questions, donors)
        alike = similarity >= ALIKE
        cost = (
            np.where(alike, 0.0, np.where(similarity >= RELATED, RELATED_WEIGHT, STRANGER_WEIGHT))
            + SIMILARITY_WEIGHT * (1 - similarity)
            + length / counts
            + TOPIC_WEIGHT * (self.topics[questions] != self.topics[donors])
            + PASSAGE_WEIGHT * passage / counts
            + FORM_WEIGHT * (self._forms[questions] != self._forms[donors])
            + FORMAT_WEIGHT * other_format / counts
            + SCRIPT_WEIGHT * other_script / counts
            + RANDOM_WEIGHT * self._noise(questions, donors)
        )
        return Rated(questions, donors, np.rint(cost * COST_STEPS) / COST_STEPS, alike)

    def similarity(self, questions: Indices, donors: Indices) -> Scores:
        """Return [pairs]: how similar the questions are in what they ask for, 0 to 1."""
        import numpy as np

        products = self.features[questions].multiply(self.features[donors]).sum(axis=1)
        similarity: Scores = np.asarray(products, dtype=float).ravel() / self._language_counts[questions]
        return similarity

    def _noise(self, questions: Indices, donors: Indices) -> Scores:
        """Return [pairs]: a number from 0 to 1 that depends on the seed and the two ids only."""
        import numpy as np

        mixed = self._draws[questions] * np.uint64(0x9E3779B97F4A7C15) ^ self._draws[donors]
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        noise: Scores = (mixed >> np.uint64(40)).astype(float) / 2**24
        return noise


def _question_text(question: ParallelQuestion, lang: str) -> str:
    return compact(question.by_lang[lang].question, lang) if lang in question.by_lang else ""


_LONGEST = math.log(MAX_LENGTH_RATIO) + 1e-9


def stacked_features(asked: AskedKinds, languages: Sequence[str]) -> csr_matrix:
    """Return the features of all languages side by side, [n, features]."""
    from scipy.sparse import csr_matrix, hstack

    return csr_matrix(hstack([asked.features(lang) for lang in languages], format="csr"))


class Passages:
    """The passages of the questions in one language, and which answers occur in each."""

    def __init__(self, questions: Sequence[ParallelQuestion], table: AnswerTable) -> None:
        import numpy as np

        contexts = [question.by_lang[table.lang].context if table.lang in question.by_lang else "" for question in questions]
        index: dict[str, int] = {}
        self.of = np.array([index.setdefault(text, len(index)) if text else -1 for text in contexts], dtype=np.intp)
        self.count, self.has_some = len(index), bool(index)
        self._texts = len(table.texts)
        found = _occurrences(list(index), table) if index else []
        self._keys = np.array(
            [passage * self._texts + text for passage, texts in enumerate(found) for text in texts], dtype=np.int64
        )

    def lack(self, questions: Indices, options: Indices) -> Flags:
        """Return [pairs]: whether the question has a passage that the option does not occur in."""
        import numpy as np

        passages = self.of[questions]
        keys = passages * self._texts + options
        places = np.searchsorted(self._keys, keys)
        found = np.zeros(len(keys), dtype=bool)
        inside = places < len(self._keys)
        found[inside] = self._keys[places[inside]] == keys[inside]
        lacks: Flags = (passages >= 0) & ~found
        return lacks

    def texts_in_passages(self) -> tuple[Indices, Indices]:
        """Return the pairs of a passage and a text that occurs in it."""
        return self._keys // max(1, self._texts), self._keys % max(1, self._texts)


def _occurrences(passages: Sequence[str], table: AnswerTable) -> list[list[int]]:
    """Return for each passage the texts that occur in it, as `matching.occurs_in_passage` decides."""
    same: dict[str, list[int]] = {}
    for number, text in enumerate(table.texts):
        same.setdefault(fold_letters(text, table.lang), []).append(number)
    groups = list(same.values())
    index = TextIndex(same)
    found = []
    for passage in passages:
        folded = fold_letters(passage, table.lang)
        whole = {
            group
            for group, start, end in index.places(folded)
            if not (folded[max(0, start - 1) : start].isdecimal() or folded[end : end + 1].isdecimal())
        }
        found.append(sorted(number for group in whole for number in groups[group]))
    return found
