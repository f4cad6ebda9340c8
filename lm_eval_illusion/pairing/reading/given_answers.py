"""The answer of a row together with its options, and which of them the row says is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from lm_eval_illusion.option_values import shown
from lm_eval_illusion.pairing.reading.answers import GivenAnswer, given_answer
from lm_eval_illusion.pairing.reading.choice_positions import answer_among, counted_from, gold_position, stated_index
from lm_eval_illusion.pairing.reading.choices import WRONG_ANSWERS, GivenChoices, given_choices, wrong_answers
from lm_eval_illusion.pairing.reading.fields import FieldsOfRow
from lm_eval_illusion.pairing.reading.index_base import Counting
from lm_eval_illusion.pairing.reading.language_codes import is_known_language
from lm_eval_illusion.pairing.reading.missing_fields import LACKS, gold_remedy, remedy
from lm_eval_illusion.pairing.reading.notices import Notices
from lm_eval_illusion.pairing.reading.questions import Reason
from lm_eval_illusion.pairing.reading.row_languages import in_language
from lm_eval_illusion.pairing.reading.rows import NO_ANSWER, BadRowError, NoAnswerError

Clean = Callable[[str, str], str]
"""Text and name of its field -> the cleaned text."""


class Answered(NamedTuple):
    """`choices`: the options, none if they are to be made. `gold`: what the row says about the position of the answer, None if nothing."""

    answer: GivenAnswer
    choices: tuple[str, ...] = ()
    gold: object = None


def answered(
    fields: FieldsOfRow, languages: tuple[str, str], location: str, clean: Clean, notices: Notices, counting: Counting
) -> Answered:
    """Return the answer and the options of a row in one language.

    `counting`: from where positions are counted; it gets those that the row states.

    Raises:
        BadRowError: There is no answer, one of them has no shape that is known, or the answer is none of the options.
        NoAnswerError: The source says that there is no answer.
    """
    choices = given_choices(fields, languages, location)
    value = in_language(fields.value("answer"), languages)
    if choices is not None:
        if choices.written:
            notices.add("took the labels (A, B, C) off the choices", location, choices.written[0])
        gold = in_language(fields.value("gold"), languages)
        if choices.marked is not None:
            value, gold = None, [index == choices.marked for index in range(len(choices.texts))]
        # A column `label` alone is the gold one.
        stated = None if value is gold else value, gold
        if stated == (None, None):
            problem = f"there is no answer: give its text as answer, or its index or label as gold{gold_remedy(fields)}"
            raise BadRowError(location, Reason.CHOICES, problem)
        for index in [index for one in stated if (index := stated_index(choices, one)) is not None]:
            counting.add(choices.counted_from or 0, index, len(choices.texts), location)
        return _among_choices(fields, counted_from(choices, counting.bases), stated, languages, location, clean)
    _refuse_unanswerable(fields, location)
    if value is None:
        raise BadRowError(location, LACKS["answer"], f"lacks answer{remedy(fields, 'answer')}")
    if isinstance(value, Mapping) and any(is_known_language(str(key)) for key in value):
        problem = f"lacks answer in {languages[0]}, which the question is in: give one, or leave the question out"
        raise BadRowError(location, LACKS["answer"], problem)
    answer = given_answer(value, languages, location)
    if answer.is_unanswerable:
        raise NoAnswerError(location, NO_ANSWER, "it has no text of an answer")
    _refuse_empty(answer, value, location)
    wrong = wrong_answers(fields, languages, location)
    if len(wrong) != WRONG_ANSWERS or _are_choices_unused(fields):
        if wrong and not _are_choices_unused(fields):
            notices.add("did not use the wrong answers, which are not three", location)
        return Answered(answer)
    return Answered(answer, (answer.texts[0], *wrong), 0)


def _refuse_unanswerable(fields: FieldsOfRow, location: str) -> None:
    """Leave out a question that the source marks as one without an answer, as SQuAD 2.0 and MuSiQue do."""
    for name, stated in (("is_impossible", True), ("answerable", False)):
        if name in fields.row:
            fields.used.add(name)
        if fields.row.get(name) is stated:
            raise NoAnswerError(location, NO_ANSWER, f"{name} is {str(stated).lower()}")


def _among_choices(
    fields: FieldsOfRow,
    choices: GivenChoices,
    answer_and_gold: tuple[object, object],
    languages: tuple[str, str],
    location: str,
    clean: Clean,
) -> Answered:
    value, gold = answer_and_gold
    is_unused = _are_choices_unused(fields)
    if len(choices.texts) != WRONG_ANSWERS + 1 and not is_unused:
        problem = f"{len(choices.texts)} choices: give four, or none to have them made (--map choices=)"
        raise BadRowError(location, Reason.CHOICES, problem)
    right = answer_among(choices, value, gold, location)
    answer = given_answer(value, languages, location) if right is None else GivenAnswer((right,))
    _refuse_empty(answer, value, location)
    if is_unused:
        return Answered(answer)
    if gold is None:
        if clean(answer.texts[0], "answer") not in [clean(choice, "choice") for choice in choices.texts]:
            problem = f"the answer {shown(answer.texts[0])} is none of the choices: make it equal to one"
            raise BadRowError(location, Reason.CHOICES, problem)
        return Answered(answer, choices.texts)
    position = gold_position(choices, gold)
    return Answered(answer, choices.texts, gold if position is None else position)


def _refuse_empty(answer: GivenAnswer, value: object, location: str) -> None:
    if not answer.texts:
        raise BadRowError(location, Reason.NO_LETTER, f"answer {shown(value)} is empty: give one, or leave the row out")


def _are_choices_unused(fields: FieldsOfRow) -> bool:
    """Whether the user said `--map choices=`."""
    return "choices" in fields.mapping and not fields.mapping["choices"].paths
