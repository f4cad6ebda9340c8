"""Which questions can become items, by question and answer alone: no yes/no questions, and none whose answer can be copied.

`yes_no` and `answer_in_question` state the two rules. A question with several languages is judged as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lm_eval_illusion.matching.text.normalize import compact
from lm_eval_illusion.pairing.option_rules import RightAnswers, overlaps
from lm_eval_illusion.pairing.parallel_questions import Option, ParallelQuestion
from lm_eval_illusion.pairing.reading.questions import Question
from lm_eval_illusion.pairing.screening.alternatives import alternatives_in
from lm_eval_illusion.pairing.screening.answer_in_question import IN_QUESTION_REASON, states_answer
from lm_eval_illusion.pairing.screening.yes_no import YES_NO_REASON, is_yes_no_question


@dataclass
class Screened:
    """Questions after the tests of this module.

    Attributes:
        questions: All but the yes/no questions, in order. Their answers may be options of others.
        dropped: Question id -> why it can't become an item.
        offered: Question id -> the options that the question offers itself, one or more, for those that offer any.
        stated: The ids of questions that state their answer, whatever became of them.
    """

    questions: list[ParallelQuestion] = field(default_factory=list)
    dropped: dict[str, str] = field(default_factory=dict)
    offered: dict[str, list[Option]] = field(default_factory=dict)
    stated: set[str] = field(default_factory=set)

    @property
    def copied_from_passage(self) -> frozenset[str]:
        """The ids of questions that state their answer and may become items all the same, because they are asked with a passage."""
        return frozenset(self.stated - self.dropped.keys() - self.offered.keys())


def screen(questions: Iterable[ParallelQuestion], answer_key: RightAnswers) -> Screened:
    """Test the questions. `answer_key`: the right answers of all questions."""
    screened = Screened()
    for question in questions:
        if is_yes_no_question(question):
            screened.dropped[question.id] = YES_NO_REASON
            continue
        screened.questions.append(question)
        if any(states_answer(translation) for translation in question.by_lang.values()):
            screened.stated.add(question.id)
            options = offered_options(question, answer_key)
            if options:
                screened.offered[question.id] = options
            elif not _has_passage(question) and not _is_stated_beside_others(question):
                screened.dropped[question.id] = IN_QUESTION_REASON
    return screened


def offered_options(question: ParallelQuestion, answer_key: RightAnswers) -> list[Option]:
    """Return what the question offers beside its answer, none where its languages differ in number or order.

    Options of the source are left as they are.
    """
    if any(translation.choices for translation in question.by_lang.values()):
        return []
    found = {lang: alternatives_in(translation) for lang, translation in question.by_lang.items()}
    texts = {lang: alternatives.others for lang, alternatives in found.items() if alternatives is not None}
    places = {(alternatives.before, len(alternatives.others)) for alternatives in found.values() if alternatives is not None}
    if len(texts) < len(found) or len(places) != 1:
        return []
    options = [dict(zip(texts, others, strict=True)) for others in zip(*texts.values(), strict=True)]
    return [] if any(_is_right(option, question, answer_key) for option in options) else options


def _is_right(option: Mapping[str, str], question: ParallelQuestion, answer_key: RightAnswers) -> bool:
    """Return whether an option is a right answer of the same question in another row."""
    return any(
        overlaps(compact(text, lang), answer_key[lang, compact(question.by_lang[lang].question, lang)])
        for lang, text in option.items()
    )


def _has_passage(question: ParallelQuestion) -> bool:
    return all(translation.context for translation in question.by_lang.values())


def _is_stated_beside_others(question: ParallelQuestion) -> bool:
    """Return whether the source gives options of which a wrong one stands in the question, too: copying does not find the answer."""
    return all(map(_states_a_wrong_choice, question.by_lang.values()))


def _states_a_wrong_choice(question: Question) -> bool:
    text = compact(question.question, question.lang)
    return any(compact(choice, question.lang) in text for choice in question.choices if choice != question.answer)
