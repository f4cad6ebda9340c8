"""The shapes in which data sets give options and say which is right -> four texts and the answer among them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lm_eval_illusion.option_values import shown
from lm_eval_illusion.pairing.reading.answers import number_text, texts_in, wrong_type
from lm_eval_illusion.pairing.reading.fields import FieldsOfRow, contents
from lm_eval_illusion.pairing.reading.questions import Reason
from lm_eval_illusion.pairing.reading.rows import BadRowError

WRONG_ANSWERS = 3
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
    are_numbers = bool(value) and all(isinstance(entry, (int, float)) for entry in value)
    return GivenChoices(_choice_texts(value, languages, location), tuple(map(str, labels)) if has_labels else (), are_numbers)


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
    """Return the position that an index, a number in quotes or a label states, None if it is none of the choices."""
    if isinstance(gold, str):
        label = gold.strip().rstrip(".)").lstrip("(")
        labels = [known.casefold() for known in choices.labels or "ABCDEFGH"[: len(choices.texts)]]
        if label.casefold() in labels:
            position = labels.index(label.casefold())
            return position if position < len(choices.texts) else None
        gold = int(label) if _INDEX.fullmatch(label) and not choices.labels else None
    if isinstance(gold, float) and gold.is_integer():
        gold = int(gold)
    if isinstance(gold, int) and not isinstance(gold, bool):
        if choices.labels and str(gold) in choices.labels:
            return choices.labels.index(str(gold))
        return gold if gold in range(len(choices.texts)) else None
    return None


def _gold_problem(choices: GivenChoices, gold: object) -> str:
    labels = f" or {', '.join(choices.labels)}" if choices.labels else ""
    return f"gold {shown(gold)} is not 0, 1, 2 or 3{labels}: give the index of the answer in choices, from 0 on, or its letter"


def _position(choices: GivenChoices, answer: object) -> int | None:
    """Return the position of the choice that an answer names by its text, its label or its index.

    A whole number is an index unless the choices are numbers, too: MMLU has "answer": 1 beside ["0", "4", "2", "6"]. A text is a label
    first where the source names labels, otherwise the text of a choice first.
    """

    def by_text() -> int | None:
        text = number_text(answer) if isinstance(answer, (int, float)) else answer
        same = [index for index, choice in enumerate(choices.texts) if isinstance(text, str) and _plain(choice) == _plain(text)]
        return same[0] if same else None

    def by_label() -> int | None:
        return gold_position(choices, answer)

    if isinstance(answer, list) and len(answer) == 1:
        return _position(choices, answer[0])
    is_number = isinstance(answer, (int, float)) and not isinstance(answer, bool)
    is_label_first = bool(choices.labels) if isinstance(answer, str) else is_number and not choices.are_numbers
    order: tuple[Callable[[], int | None], ...] = (by_label, by_text) if is_label_first else (by_text, by_label)
    return next((position for find in order if (position := find()) is not None), None)


def _plain(text: str) -> str:
    return " ".join(text.split())
