"""The shapes in which data sets give options and say which is right -> four texts and the answer among them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lm_eval_illusion.option_values import shown
from lm_eval_illusion.pairing.reading.answers import number_text, texts_in, wrong_type
from lm_eval_illusion.pairing.reading.fields import FieldsOfRow, contents
from lm_eval_illusion.pairing.reading.questions import Reason
from lm_eval_illusion.pairing.reading.rows import BadRowError

WRONG_ANSWERS = 3
LETTERS = "ABCDEFGH"
"""The labels of choices for which the source names none."""
_INDEX = re.compile(r"-?[0-9]{1,9}")


@dataclass(frozen=True)
class GivenChoices:
    """Options and their labels ("A", "1"); no labels if the source names none. `are_numbers`: the source has them as JSON numbers."""

    texts: tuple[str, ...]
    labels: tuple[str, ...] = ()
    are_numbers: bool = False


def given_choices(fields: FieldsOfRow, languages: tuple[str, ...], location: str) -> GivenChoices | None:
    """Return the options of a row, None if it has none.

    Shapes: a list of texts or numbers; {"text": [...], "label": [...]} or a list of {"text", "label"} (ARC); {"A": ..., "B": ...};
    the columns A, B, C, D, or option1 to option4.

    Raises:
        BadRowError: The value of `choices` has no such shape.
    """
    value = fields.value("choices")
    if value is None or value in ([], {}):
        columns = fields.choice_columns()
        return _labelled(columns, languages, location) if columns else None
    if isinstance(value, Mapping):
        if (lang := next((lang for lang in languages if lang in value), None)) is not None:
            value = value[lang]
        else:
            inner = contents(value)
            if not isinstance(inner.get("text"), list):
                return _labelled({str(label): choice for label, choice in value.items()}, languages, location)
            labels = inner.get("label")
            texts = _choice_texts(inner["text"], languages, location)
            return GivenChoices(texts, tuple(map(str, labels)) if isinstance(labels, list) else ())
    if not isinstance(value, list):
        raise wrong_type("choices", value, "a list of texts", location)
    entries = [contents(entry) if isinstance(entry, Mapping) else {} for entry in value]
    labels = [entry.get("label") for entry in entries]
    has_labels = bool(labels) and all(isinstance(label, (str, int)) for label in labels)
    if not has_labels and (mapped := fields.mapping.get("choices")) is not None and len(mapped.paths) == len(value):
        return GivenChoices(_choice_texts(value, languages, location), _endings(mapped.paths))
    are_numbers = bool(value) and all(isinstance(entry, (int, float)) for entry in value)
    return GivenChoices(_choice_texts(value, languages, location), tuple(map(str, labels)) if has_labels else (), are_numbers)


def _endings(columns: Sequence[str]) -> tuple[str, ...]:
    """Return what tells columns apart as the labels of the choices, if it is one letter or digit of each: 1 to 4 of mc_answer1 to
    mc_answer4, so that a gold "1" is the first choice; otherwise none."""
    endings = tuple(column[-1:] for column in columns)
    is_counted = len({column[:-1] for column in columns}) == 1 and all(ending.isalnum() for ending in endings)
    return endings if is_counted and len(set(endings)) == len(endings) else ()


def _labelled(columns: Mapping[str, object], languages: tuple[str, ...], location: str) -> GivenChoices:
    return GivenChoices(_choice_texts(list(columns.values()), languages, location), tuple(columns))


def _choice_texts(values: object, languages: tuple[str, ...], location: str) -> tuple[str, ...]:
    """Return one text for each choice; "" for one that has none, so that the positions stay."""
    if not isinstance(values, list):
        raise wrong_type("choices", values, "a list of texts", location)
    return tuple((texts_in(value, "choice", languages, location) or [""])[0] for value in values)


def wrong_answers(fields: FieldsOfRow, languages: tuple[str, ...], location: str) -> list[str]:
    """Return the wrong answers that a row gives beside the right one (incorrect_answers, distractor1 to distractor3)."""
    value = fields.value("wrong answers")
    if isinstance(value, Mapping):
        value = next((value[lang] for lang in languages if lang in value), value)
    return texts_in(fields.distractor_columns() if value is None else value, "wrong answer", languages, location)


def answer_among(choices: GivenChoices, answer: object, gold: object, location: str) -> str | None:
    """Return the text of the choice that is right, None if `answer` is a text of its own that no choice has.

    Args:
        choices: The options.
        answer: The value of the field `answer`: the text of a choice, its label, or its index from 0.
        gold: The value of `gold` or `answerKey`, which decides where there is no answer.

    Raises:
        BadRowError: Neither of them says which choice is right.
    """
    by_answer = _position(choices, answer)
    if by_answer is not None:
        return choices.texts[by_answer]
    if answer is None and gold is None:
        problem = "there is no answer: give its text as answer, or its index or label as gold"
        raise BadRowError(location, Reason.CHOICES, problem)
    if answer is None:
        position = gold_position(choices, gold)
        if position is None:
            raise BadRowError(location, Reason.CHOICES, _gold_problem(choices, gold))
        return choices.texts[position]
    return None


def gold_position(choices: GivenChoices, gold: object) -> int | None:
    """Return the position that a label or an index from 0 on states, as a number or as text; None if it is none of the choices."""
    if isinstance(gold, float) and gold.is_integer():
        gold = int(gold)
    if isinstance(gold, (str, int)) and not isinstance(gold, bool):
        text = str(gold) if isinstance(gold, int) else gold.strip().rstrip(".)").lstrip("(")
        labels = [known.casefold() for known in choices.labels or LETTERS[: len(choices.texts)]]
        if text.casefold() in labels:
            position = labels.index(text.casefold())
        elif _INDEX.fullmatch(text) and not any(label.isdecimal() for label in labels):
            position = int(text)
        else:
            return None
        return position if position in range(len(choices.texts)) else None
    return None


def _gold_problem(choices: GivenChoices, gold: object) -> str:
    labels = f" or {', '.join(choices.labels)}" if choices.labels else ""
    return f"gold {shown(gold)} is not 0, 1, 2 or 3{labels}: give the index of the answer in choices, from 0 on, or its letter"


def _position(choices: GivenChoices, answer: object) -> int | None:
    """Return the position of the choice that an answer names by its text, its label or its index.

    A whole number is an index unless the choices are numbers, too: MMLU has "answer": 1 beside ["0", "4", "2", "6"]. A text is a label
    first where the source names labels, then the text of a choice, then a letter or an index.
    """
    if isinstance(answer, list) and len(answer) == 1:
        return _position(choices, answer[0])
    if isinstance(answer, (int, float)):
        is_index = not choices.are_numbers and not isinstance(answer, bool)
        is_finite = not (isinstance(answer, float) and not math.isfinite(answer))
        same = _same_text(choices, number_text(answer)) if is_finite else None
        first, second = (gold_position(choices, answer), same) if is_index else (same, gold_position(choices, answer))
        return second if first is None else first
    if not isinstance(answer, str):
        return None
    if answer.strip() in choices.labels:
        return gold_position(choices, answer)
    same = _same_text(choices, answer)
    return gold_position(choices, answer) if same is None else same


def _same_text(choices: GivenChoices, text: str) -> int | None:
    return next((index for index, choice in enumerate(choices.texts) if _plain(choice) == _plain(text)), None)


def _plain(text: str) -> str:
    return " ".join(text.split())
