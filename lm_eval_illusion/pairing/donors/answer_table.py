"""The answers of all questions in one language as numbered texts, so that many pairs of question and donor are computed at once."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from lm_eval_illusion.matching.text.normalize import compact
from lm_eval_illusion.pairing.answer_types import is_wholly_latin, script_of, writing_of
from lm_eval_illusion.pairing.option_rules import MOST_DIGITS_APART, number_format, number_sizes
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion, has_english_form, option_language

if TYPE_CHECKING:
    from lm_eval_illusion.pairing.arrays import Flags, Indices, Scores

_Value = TypeVar("_Value", bound=Hashable)


@dataclass(frozen=True)
class AnswerTable:
    """The answers of n questions in one language.

    Attributes:
        lang: The language.
        texts: The different texts that can be options.
        compact: Each text in compact form.
        log_lengths: The logarithm of the characters of each text.
        formats: The number format of each text, as a code.
        scripts: The script of each text, as a code.
        sizes: [texts, numbers], the digits of each number of a text before its decimal mark, 0 behind the last one.
        own: [n], the text of each question's answer, -1 without one in this language.
        english: [n], the text of its English answer, -1 without one.
        kinds: [n], what `option_language` depends on, as a code; 0 without an answer in this language.
        source: [kinds of the question, kinds of the donor], where the option comes from: `own` (0), `english` (1), nowhere (2).
    """

    lang: str
    texts: Sequence[str]
    compact: Sequence[str]
    log_lengths: Scores
    formats: Indices
    scripts: Indices
    sizes: Indices
    own: Indices
    english: Indices
    kinds: Indices
    source: Indices

    def options(self, questions: Indices, donors: Indices) -> Indices:
        """Return [pairs]: the text of the donor's answer as an option of the question, -1 without one."""
        import numpy as np

        own = self.own[donors]
        source = self.source[self.kinds[questions], self.kinds[donors]]
        options: Indices = np.where(source == 0, own, np.where(source == 1, self.english[donors], -1))
        options[own < 0] = -1
        return options

    def same_format(self, texts: Indices, others: Indices) -> Flags:
        """Return [pairs]: whether two texts have the same number format, and each number nearly as many digits as the other's."""
        import numpy as np

        near = (np.abs(self.sizes[texts] - self.sizes[others]) <= MOST_DIGITS_APART).all(axis=1)
        same: Flags = (self.formats[texts] == self.formats[others]) & near
        return same


def answer_table(questions: Sequence[ParallelQuestion], lang: str) -> AnswerTable:
    """Return the answers of the questions in one language."""
    import numpy as np

    present = [lang in question.by_lang for question in questions]
    answers = [question.by_lang[lang].answer if lang in question.by_lang else "" for question in questions]
    english = [question.english_answer if has else "" for question, has in zip(questions, present, strict=True)]
    index: dict[str, int] = {}
    own = [index.setdefault(text, len(index)) if has else -1 for text, has in zip(answers, present, strict=True)]
    in_english = [index.setdefault(text, len(index)) if text else -1 for text in english]
    texts = list(index)
    kinds, examples = _kinds(questions, lang)
    places = {lang: 0, "en": 1, None: 2} | {lang: 0}
    source = [[places[option_language(lang, donor, question)] for donor in examples] for question in examples]
    return AnswerTable(
        lang=lang,
        texts=texts,
        compact=[compact(text, lang) for text in texts],
        # `math.log`, because the last bit of numpy's logarithm differs between machines.
        log_lengths=np.array([math.log(max(1, len(text))) for text in texts], dtype=float),
        formats=np.array(codes(number_format(text) if _has_digit(text) else "" for text in texts), dtype=np.intp),
        scripts=np.array(codes(script_of(text, lang) for text in texts), dtype=np.intp),
        sizes=_sizes(texts),
        own=np.array(own, dtype=np.intp),
        english=np.array(in_english, dtype=np.intp),
        kinds=kinds,
        source=np.array(source, dtype=np.intp),
    )


def _sizes(texts: Sequence[str]) -> Indices:
    import numpy as np

    of_texts = [number_sizes(text) if _has_digit(text) else [] for text in texts]
    sizes: Indices = np.zeros((len(texts), max(map(len, of_texts), default=0)), dtype=np.intp)
    for row, of_text in zip(sizes, of_texts, strict=True):
        row[: len(of_text)] = of_text
    return sizes


def _has_digit(text: str) -> bool:
    return any(map(str.isdecimal, text))


def codes(values: Iterable[_Value]) -> list[int]:
    """Return the values as indices into the list of different values, in the order of their first appearance."""
    index: dict[_Value, int] = {}
    return [index.setdefault(value, len(index)) for value in values]


def _kinds(questions: Sequence[ParallelQuestion], lang: str) -> tuple[Indices, list[ParallelQuestion]]:
    """Return the kind of each question by all that `option_language` reads, [n], and one question of each kind."""
    import numpy as np

    index: dict[tuple[object, ...], int] = {}
    examples: list[ParallelQuestion] = []
    kinds = np.zeros(len(questions), dtype=np.intp)
    for number, question in enumerate(questions):
        if lang not in question.by_lang:
            continue
        answer = question.by_lang[lang].answer
        kind = (
            writing_of(answer, lang),
            is_wholly_latin(answer),
            question.form,
            answer == question.english_answer,
            has_english_form(question, lang),
        )
        kinds[number] = index.setdefault(kind, len(index))
        if len(examples) < len(index):
            examples.append(question)
    return kinds, examples
